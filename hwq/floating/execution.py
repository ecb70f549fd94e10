"""Execution of a network of real numbers on batches, in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hwq.floating import layers as real
from hwq.floating.inputs import real_input
from hwq.floating.layers import Reals
from hwq.floating.network import FloatNetwork
from hwq.graph.layers import (
    Activation,
    ActivationKind,
    Concatenation,
    Layer,
    Mean,
    Padding,
    PoolKind,
    Reshape,
    Softmax,
)


def run(network: FloatNetwork, x: NDArray[Any]) -> Reals:
    """Outputs of ``network`` for the samples ``x`` [N, *input shape], float32 [N, *output shape].

    Memory grows with N: whoever has many samples cuts them into pieces.

    Raises
    ------
    DataError
        Samples of another shape or type, or not finite.
    """
    return _execute(network, x, keep=False)[network.output]


def trace(network: FloatNetwork, x: NDArray[Any]) -> dict[str, Reals]:
    """As `run`, but every tensor by its name, [N, *shape], the input among them."""
    return _execute(network, x, keep=True)


def _execute(network: FloatNetwork, x: NDArray[Any], *, keep: bool) -> dict[str, Reals]:
    tensors: dict[str, Reals] = {network.input: real_input(network, x)}
    last = {name: number for number, layer in enumerate(network.layers) for name in layer.inputs}
    for number, layer in enumerate(network.layers):
        inputs = [tensors[name] for name in layer.inputs]
        y = compute(layer, inputs, network.tensors[layer.output].shape)
        tensors[layer.output] = y
        if not keep:
            for name in dict.fromkeys(layer.inputs):
                if last[name] == number and name != network.output:
                    del tensors[name]
    return tensors


def compute(layer: Layer, inputs: list[Reals], shape: tuple[int, ...]) -> Reals:
    """Output [N, *shape] of one layer for its inputs, [N, *their shapes]."""
    # Numbers beyond float32 become infinities, as in every other program; nobody needs to be told of the way there.
    with np.errstate(all="ignore"):
        y = _KERNELS[type(layer)](layer, *inputs)
        y = y.reshape(len(inputs[0]), *shape)
        kind = getattr(layer, "activation", None)
        result: Reals = (y if kind is None else activate(kind, y)).astype(np.float32, copy=False)
        return result


def activate(kind: ActivationKind, x: Reals, alpha: float = 0.0) -> Reals:
    """The element-wise function ``kind`` of ``x``; ``alpha`` is the negative slope of LEAKY_RELU."""
    y: Reals = _FUNCTIONS[kind](x, np.float32(alpha))
    return y


def windows(
    x: Reals, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], padding: Padding, fill: float
) -> Reals:
    """View [N, out_h, out_w, channels, kernel_h, kernel_w] of the images ``x`` padded with ``fill``."""
    if any(padding):
        top, bottom, left, right = padding
        x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    extent = tuple((size - 1) * step + 1 for size, step in zip(kernel, dilation, strict=True))
    view = sliding_window_view(x, extent, axis=(1, 2))
    cut: Reals = view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    return cut


def columns(layer: real.Conv2D, x: Reals) -> Reals:
    """What a convolution multiplies with: [groups, N * out_h * out_w, kernel_h * kernel_w * in / groups]."""
    view = windows(x, layer.kernel, layer.stride, layer.dilation, layer.padding, 0.0)
    n, height, width = view.shape[:3]
    grouped = view.reshape(n, height, width, layer.groups, -1, *layer.kernel)
    ordered = grouped.transpose(3, 0, 1, 2, 5, 6, 4)
    return np.ascontiguousarray(ordered).reshape(layer.groups, n * height * width, -1)


def taps(layer: real.DepthwiseConv2D, x: Reals) -> Reals:
    """What a depthwise convolution multiplies its weights with: `windows` with a channel for each output channel."""
    view = windows(x, layer.kernel, layer.stride, layer.dilation, layer.padding, 0.0)
    return view if layer.depth_multiplier == 1 else np.repeat(view, layer.depth_multiplier, axis=3)


def _conv(layer: real.Conv2D, x: Reals) -> Reals:
    weights = layer.weights.reshape(layer.groups, layer.channels // layer.groups, -1)
    products = columns(layer, x) @ weights.transpose(0, 2, 1)
    joined = products.transpose(1, 0, 2).reshape(-1, layer.channels)
    return np.asarray(joined + layer.bias)


def _depthwise(layer: real.DepthwiseConv2D, x: Reals) -> Reals:
    view = taps(layer, x)
    y: Reals = np.zeros(view.shape[:4], np.float32)
    for row in range(layer.kernel[0]):
        for column in range(layer.kernel[1]):
            y += view[..., row, column] * layer.weights[row, column]
    return y + layer.bias


def _dense(layer: real.Dense, x: Reals) -> Reals:
    return np.asarray(x.reshape(-1, layer.weights.shape[1]) @ layer.weights.T + layer.bias)


def _affine(layer: real.Affine, x: Reals) -> Reals:
    return np.asarray(x * layer.scale + layer.offset)


def _add(layer: real.Add, a: Reals, b: Reals) -> Reals:
    rank = max(a.ndim, b.ndim)
    a, b = (t.reshape(len(t), *(1,) * (rank - t.ndim), *t.shape[1:]) for t in (a, b))
    return np.asarray(a + b)


def _pool(layer: real.Pool2D, x: Reals) -> Reals:
    if layer.kind is PoolKind.MAX:
        return np.asarray(windows(x, layer.kernel, layer.stride, (1, 1), layer.padding, -np.inf).max(axis=(4, 5)))
    sums = windows(x, layer.kernel, layer.stride, (1, 1), layer.padding, 0.0).sum(axis=(4, 5), dtype=np.float32)
    inside = np.ones((1, *x.shape[1:3], 1), np.float32)
    counts = windows(inside, layer.kernel, layer.stride, (1, 1), layer.padding, 0.0).sum(axis=(4, 5))
    return np.asarray(sums / counts)


def _pad(layer: real.Pad, x: Reals) -> Reals:
    return np.pad(x, ((0, 0), *layer.amounts), constant_values=layer.value)


def _mean(layer: Mean, x: Reals) -> Reals:
    return np.asarray(x.mean(axis=tuple(axis + 1 for axis in layer.axes), dtype=np.float32))


def _concatenation(layer: Concatenation, *inputs: Reals) -> Reals:
    return np.concatenate(inputs, axis=layer.axis + 1)


def _reshape(layer: Reshape, x: Reals) -> Reals:
    return x


def _activation(layer: Activation, x: Reals) -> Reals:
    return activate(layer.kind, x, layer.alpha)


def _softmax(layer: Softmax, x: Reals) -> Reals:
    scaled = np.float32(layer.beta) * (x - x.max(axis=-1, keepdims=True))
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _logistic(x: Reals, alpha: np.float32) -> Reals:
    # exp of a negative number only, which cannot overflow.
    small = np.exp(-np.abs(x))
    y: Reals = np.where(x >= 0, np.float32(1), small) / (1 + small)
    return y


_FUNCTIONS: dict[ActivationKind, Callable[[Reals, np.float32], NDArray[np.float32]]] = {
    ActivationKind.RELU: lambda x, alpha: np.maximum(x, 0),
    ActivationKind.RELU6: lambda x, alpha: np.clip(x, 0, 6),
    ActivationKind.RELU_N1_TO_1: lambda x, alpha: np.clip(x, -1, 1),
    ActivationKind.LEAKY_RELU: lambda x, alpha: np.asarray(np.where(x >= 0, x, x * alpha), np.float32),
    ActivationKind.LOGISTIC: _logistic,
    ActivationKind.TANH: lambda x, alpha: np.tanh(x),
    ActivationKind.HARD_SWISH: lambda x, alpha: x * np.clip(x + 3, 0, 6) / np.float32(6),
}

_KERNELS: dict[type[Layer], Callable[..., Reals]] = {
    real.Conv2D: _conv,
    real.DepthwiseConv2D: _depthwise,
    real.Dense: _dense,
    real.Affine: _affine,
    real.Add: _add,
    real.Pool2D: _pool,
    real.Pad: _pad,
    Mean: _mean,
    Concatenation: _concatenation,
    Reshape: _reshape,
    Activation: _activation,
    Softmax: _softmax,
}
