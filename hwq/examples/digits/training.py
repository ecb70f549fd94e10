"""Training of a small convolutional network in NumPy, with the same bits on every machine.

A BLAS adds in an order of its own, so floating-point sums differ between machines, and training makes small
differences large. Here every product of matrices is exact whatever the order: its operands are rounded to 20 bits
first, so that all partial sums are integers below 2^53 times a power of two. What remains is additions,
multiplications, divisions and square roots of single elements, which IEEE 754 rounds the same everywhere; the loss is
chosen to need no more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Bits of an operand; 2 * 20 bits and 2^13 terms fill float64's 53.
_OPERAND_BITS = 20
_MOST_TERMS = 1 << 13

_BATCH = 32
_FIRST_STEP = 4e-3
#: Decay of Adam's two averages.
_DECAY = (0.9, 0.999)


@dataclass(eq=False)
class Stage:
    """One layer with weights: ``weights`` [inputs of one sum, out] and ``bias`` [out].

    Parameters
    ----------
    kernel:
        Height and width of a convolution's window; 0 where the layer is dense.
    channels:
        Input channels of a convolution, all inputs of a dense layer.
    stride:
        In both directions.
    relu:
        Whether a ReLU follows.
    """

    kernel: int
    channels: int
    out: int
    stride: int
    relu: bool
    weights: Floats = field(init=False)
    bias: Floats = field(init=False)

    @property
    def depth(self) -> int:
        """Inputs of one sum."""
        return self.channels * max(1, self.kernel**2)

    @property
    def before(self) -> int:
        """Rows of padding above, which are also the columns on the left: SAME, with the odd one below."""
        return (self.kernel - self.stride) // 2

    def initialize(self, random: np.random.Generator) -> None:
        """Uniform weights whose variance keeps that of the signal through a ReLU, and biases 0."""
        bound = np.sqrt(6.0 / self.depth)
        self.weights = (2.0 * random.random((self.depth, self.out)) - 1.0) * bound
        self.bias = np.zeros(self.out)

    def columns(self, x: Floats) -> Floats:
        """What each sum reads of ``x`` [N, height, width, channels], in rows of (kernel_h, kernel_w, channels)."""
        if not self.kernel:
            return x.reshape(len(x), -1)
        padded = np.pad(x, ((0, 0), *[(self.before, self.kernel - self.stride - self.before)] * 2, (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (self.kernel, self.kernel), axis=(1, 2))
        chosen = windows[:, :: self.stride, :: self.stride].transpose(0, 1, 2, 4, 5, 3)
        return chosen.reshape(*chosen.shape[:3], -1)

    def scatter(self, columns: Floats, shape: tuple[int, ...]) -> Floats:
        """The transpose of `columns`: adds what belongs to each element of an input of ``shape``."""
        if not self.kernel:
            return columns.reshape(shape)
        count, height, width, _ = shape
        more = self.kernel - self.stride
        padded = np.zeros((count, height + more, width + more, self.channels))
        rows, across = columns.shape[1:3]
        parts = columns.reshape(count, rows, across, self.kernel, self.kernel, self.channels)
        for i in range(self.kernel):
            for j in range(self.kernel):
                target = padded[:, i : i + self.stride * rows : self.stride, j : j + self.stride * across : self.stride]
                target += parts[:, :, :, i, j]
        return padded[:, self.before : self.before + height, self.before : self.before + width]


def exact_product(a: Floats, b: Floats) -> Floats:
    """``a @ b`` of operands rounded to 20 bits below their largest magnitude: exact, so the same on every machine."""
    terms = a.shape[-1]
    if terms > _MOST_TERMS:
        raise ValueError(f"{terms} terms; exact are at most {_MOST_TERMS}")
    (left, left_unit), (right, right_unit) = _integers(a), _integers(b)
    return (left @ right) * (left_unit * right_unit)


def _integers(x: Floats) -> tuple[Floats, float]:
    """``x`` in multiples of a power of two, rounded, none above 2^20 in magnitude; and that power."""
    _, exponent = math.frexp(float(np.abs(x).max(initial=0.0)))
    return np.rint(x * math.ldexp(1.0, _OPERAND_BITS - exponent)), math.ldexp(1.0, exponent - _OPERAND_BITS)


def forward(stages: list[Stage], x: Floats) -> list[Floats]:
    """``x`` and the output of every stage."""
    tensors = [x]
    for stage in stages:
        z = exact_product(stage.columns(tensors[-1]), stage.weights) + stage.bias
        tensors.append(np.maximum(z, 0.0) if stage.relu else z)
    return tensors


def train(stages: list[Stage], x: Floats, y: NDArray[np.int64], epochs: int, seed: int) -> None:
    """Fit ``stages`` to pictures ``x`` [N, height, width, channels] and labels ``y`` [N], in place.

    Adam with a step that falls linearly to 0, on the squared hinge loss of each class against all others. Each time a
    picture is shown it is moved by up to one pixel.
    """
    random = np.random.default_rng(seed)
    for stage in stages:
        stage.initialize(random)
    adam = _Adam([array for stage in stages for array in (stage.weights, stage.bias)])
    targets = np.where(y[:, None] == np.arange(stages[-1].out), 1.0, -1.0)
    steps = epochs * (len(x) // _BATCH)
    step = 0
    for _ in range(epochs):
        order = random.permutation(len(x))
        for begin in range(0, len(x) - _BATCH + 1, _BATCH):
            chosen = order[begin : begin + _BATCH]
            moved = _moved(x[chosen], random.integers(-1, 2, (_BATCH, 2)))
            adam.step(_gradients(stages, moved, targets[chosen]), _FIRST_STEP * (steps - step) / steps)
            step += 1


def _moved(x: Floats, by: NDArray[np.int64]) -> Floats:
    """Each picture of ``x`` moved by its (rows, columns) of ``by``, each -1, 0 or 1; zeros come in."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    _, height, width, _ = x.shape
    return np.stack([p[1 - i : 1 - i + height, 1 - j : 1 - j + width] for p, (i, j) in zip(padded, by, strict=True)])


def _gradients(stages: list[Stage], x: Floats, targets: Floats) -> list[Floats]:
    """Of the mean loss of a batch, by weights and bias of every stage."""
    tensors = forward(stages, x)
    slope = -2.0 / len(x) * targets * np.maximum(0.0, 1.0 - targets * tensors[-1])
    gradients: list[Floats] = []
    for number in reversed(range(len(stages))):
        stage, source, output = stages[number], tensors[number], tensors[number + 1]
        if stage.relu:
            slope = slope * (output > 0.0)
        rows = slope.reshape(-1, stage.out)
        columns = stage.columns(source)
        bias = exact_product(np.ones((1, len(rows))), rows)[0]
        gradients[:0] = [exact_product(columns.reshape(len(rows), -1).T, rows), bias]
        if number:
            back = exact_product(rows, stage.weights.T).reshape(columns.shape)
            slope = stage.scatter(back, source.shape)
    return gradients


class _Adam:
    """Adam's averages of the gradients of ``arrays``, which its steps change in place."""

    def __init__(self, arrays: list[Floats]) -> None:
        self._arrays = arrays
        self._means = [(np.zeros_like(array), np.zeros_like(array)) for array in arrays]
        self._left = [1.0, 1.0]

    def step(self, gradients: list[Floats], size: float) -> None:
        # Powers by repeated multiplication: those of the C library differ between machines.
        self._left = [left * decay for left, decay in zip(self._left, _DECAY, strict=True)]
        for array, gradient, (mean, square) in zip(self._arrays, gradients, self._means, strict=True):
            mean += (1.0 - _DECAY[0]) * (gradient - mean)
            square += (1.0 - _DECAY[1]) * (gradient * gradient - square)
            corrected = np.sqrt(square / (1.0 - self._left[1])) + 1e-8
            array -= size * (mean / (1.0 - self._left[0])) / corrected
