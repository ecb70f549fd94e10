"""Seeded random ``.tflite`` files of one operator each, in every shape and parameter that operator takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.support.tflite_builder import ModelBuilder, Q

Random = np.random.Generator
#: The file's bytes.
Maker = Callable[[Random], bytes]


def _zero(rng: Random) -> int:
    return int(rng.integers(-128, 128))


def _scale(rng: Random, low: float, high: float) -> float:
    return float(10 ** rng.uniform(np.log10(low), np.log10(high)))


def _input(model: ModelBuilder, rng: Random, *shape: int) -> int:
    return model.input((1, *shape), scale=_scale(rng, 0.01, 0.1), zero_point=_zero(rng))


def _weights(rng: Random, *shape: int) -> NDArray[np.int8]:
    return rng.integers(-127, 128, shape).astype(np.int8)


def _bias(rng: Random, count: int) -> NDArray[np.int32]:
    return rng.integers(-5000, 5001, count).astype(np.int32)


def _activation(rng: Random) -> str:
    return str(rng.choice(["NONE", "RELU", "RELU6"]))


def _size(rng: Random, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def _padding(rng: Random, size: tuple[int, int], extent: tuple[int, int]) -> str:
    fits = all(e <= s for e, s in zip(extent, size, strict=True))
    return "VALID" if fits and rng.random() < 0.5 else "SAME"


def _window(rng: Random, size: tuple[int, int], same_stride: bool) -> dict[str, object]:
    """Stride, dilation and padding for a kernel of up to 4 x 4; ``same_stride`` where the operator has one for both."""
    kernel = (_size(rng, 1, 4), _size(rng, 1, 4))
    stride, dilation = (1, 1), (1, 1)
    if rng.random() < 0.4:
        dilation = (_size(rng, 1, 3), _size(rng, 1, 3))
        dilation = (dilation[0], dilation[0]) if same_stride else dilation
    else:
        stride = (_size(rng, 1, 3), _size(rng, 1, 3))
        stride = (stride[0], stride[0]) if same_stride else stride
    extent = ((kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1)
    padding = _padding(rng, size, extent)
    return {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding}


def conv_2d(rng: Random) -> bytes:
    """CONV_2D, some in groups."""
    size, groups = (_size(rng, 3, 13), _size(rng, 3, 13)), int(rng.choice([1, 1, 1, 2, 3]))
    depth, units = _size(rng, 1, 12), groups * _size(rng, 1, 70 // groups)
    window = _window(rng, size, same_stride=False)
    kernel = window.pop("kernel")
    model = ModelBuilder()
    x = _input(model, rng, *size, groups * depth)
    y = model.conv_2d(
        x,
        _weights(rng, units, *kernel, depth),  # type: ignore[misc]
        _bias(rng, units),
        weight_scale=rng.uniform(0.002, 0.02, units).tolist(),
        output=Q(_scale(rng, 0.03, 1.0), _zero(rng)),
        activation=_activation(rng),
        **window,  # type: ignore[arg-type]
    )
    return model.finish(y)


def depthwise_conv_2d(rng: Random) -> bytes:
    """DEPTHWISE_CONV_2D, some with a depth multiplier."""
    size, multiplier = (_size(rng, 3, 13), _size(rng, 3, 13)), int(rng.choice([1, 1, 2, 3]))
    channels = int(rng.choice([1, 2, 3, 4, 5, 8, 16, 19, 24, 48]))
    window = _window(rng, size, same_stride=True)
    kernel = window.pop("kernel")
    model = ModelBuilder()
    x = _input(model, rng, *size, channels)
    y = model.depthwise_conv_2d(
        x,
        _weights(rng, 1, *kernel, channels * multiplier),  # type: ignore[misc]
        _bias(rng, channels * multiplier),
        weight_scale=rng.uniform(0.002, 0.02, channels * multiplier).tolist(),
        output=Q(_scale(rng, 0.01, 0.5), _zero(rng)),
        activation=_activation(rng),
        **window,  # type: ignore[arg-type]
    )
    return model.finish(y)


def fully_connected(rng: Random) -> bytes:
    """FULLY_CONNECTED with one scale or one for each unit."""
    depth, units = _size(rng, 1, 300), _size(rng, 1, 70)
    model = ModelBuilder()
    x = _input(model, rng, depth)
    scale = rng.uniform(0.002, 0.02, units).tolist() if rng.random() < 0.5 else _scale(rng, 0.002, 0.02)
    y = model.fully_connected(
        x,
        _weights(rng, units, depth),
        _bias(rng, units),
        weight_scale=scale,
        output=Q(_scale(rng, 0.03, 1.0), _zero(rng)),
        activation=_activation(rng),
    )
    return model.finish(y)


def add(rng: Random) -> bytes:
    """ADD of an input and something computed from it, of the same shape or one that broadcasts."""
    shape = (_size(rng, 1, 7), _size(rng, 1, 7), _size(rng, 1, 20))
    model = ModelBuilder()
    x = _input(model, rng, *shape)
    other = Q(_scale(rng, 0.005, 0.3), _zero(rng))
    if rng.random() < 0.5:
        y = model.mean(x, (1, 2), output=other, keep_dims=True)
    else:
        y = model.conv_2d(
            x, _weights(rng, shape[2], 1, 1, shape[2]), _bias(rng, shape[2]), weight_scale=0.01, output=other
        )
    operands = (x, y) if rng.random() < 0.5 else (y, x)
    return model.finish(model.add(*operands, output=Q(_scale(rng, 0.02, 0.3), _zero(rng)), activation=_activation(rng)))


def _pool(kind: str) -> Maker:
    def make(rng: Random) -> bytes:
        size = (_size(rng, 1, 13), _size(rng, 1, 13))
        kernel = (_size(rng, 1, min(5, size[0])), _size(rng, 1, min(5, size[1])))
        model = ModelBuilder()
        x = _input(model, rng, *size, _size(rng, 1, 20))
        stride = (_size(rng, 1, 3), _size(rng, 1, 3))
        padding = _padding(rng, size, kernel)
        return model.finish(model.pool_2d(kind, x, kernel, stride=stride, padding=padding, activation=_activation(rng)))

    return make


def mean(rng: Random) -> bytes:
    """MEAN over some axes of an image, with the output's scale its own or the input's."""
    axes = [(1, 2), (1,), (2,), (3,), (1, 2, 3)][_size(rng, 0, 4)]
    model = ModelBuilder()
    x = _input(model, rng, *(_size(rng, 1, 13) for _ in range(3)))
    source = model.quantization(x)
    output = source if rng.random() < 0.5 else Q(source.scales[0] * rng.uniform(0.3, 1.5), _zero(rng))
    return model.finish(model.mean(x, axes, output=output, keep_dims=rng.random() < 0.5))


def pad(rng: Random) -> bytes:
    """PAD or PADV2 of any axis but the batch."""
    model = ModelBuilder()
    x = _input(model, rng, 4, 5, 3)
    amounts = [(0, 0), *((_size(rng, 0, 3), _size(rng, 0, 3)) for _ in range(3))]
    return model.finish(model.pad(x, amounts, value=_zero(rng) if rng.random() < 0.5 else None))


def concatenation(rng: Random) -> bytes:
    """CONCATENATION of three tensors along any axis but the batch."""
    model = ModelBuilder()
    x = _input(model, rng, 4, 6, 3)
    y = model.pool_2d("MAX_POOL_2D", x, (3, 3), padding="SAME")
    return model.finish(model.concatenation([x, y, x], _size(rng, 1, 3)))


def softmax(rng: Random) -> bytes:
    """SOFTMAX over few or many classes, from flat to one-hot."""
    model = ModelBuilder()
    x = model.input((1, _size(rng, 1, 60)), scale=_scale(rng, 0.003, 3.0), zero_point=_zero(rng))
    return model.finish(model.softmax(x, beta=float(rng.choice([0.5, 1.0, 2.0]))))


#: Operators with the makers of their models.
OPERATORS: dict[str, Maker] = {
    "conv_2d": conv_2d,
    "depthwise_conv_2d": depthwise_conv_2d,
    "fully_connected": fully_connected,
    "add": add,
    "average_pool_2d": _pool("AVERAGE_POOL_2D"),
    "max_pool_2d": _pool("MAX_POOL_2D"),
    "mean": mean,
    "pad": pad,
    "concatenation": concatenation,
    "softmax": softmax,
}

#: Outputs whose quantization the operator prescribes.
_FIXED = {"LOGISTIC": Q(1 / 256, -128), "TANH": Q(1 / 128, 0)}

#: Operators of one input that are a function of its code.
ELEMENTWISE = ("LOGISTIC", "TANH", "HARD_SWISH", "LEAKY_RELU", "RELU", "RELU6", "RELU_N1_TO_1", "QUANTIZE")


def elementwise(kind: str, rng: Random, *, same_scale: bool = False) -> bytes:
    """An operator on 256 elements; with ``same_scale`` the output has the input's quantization."""
    model = ModelBuilder()
    x = model.input((1, 16, 16, 1), scale=_scale(rng, 0.003, 0.4), zero_point=_zero(rng))
    source = model.quantization(x)
    free = Q(source.scales[0] * rng.uniform(0.3, 2.0), _zero(rng))
    output = source if same_scale else _FIXED.get(kind, free)
    if kind == "LEAKY_RELU":
        return model.finish(model.leaky_relu(x, float(rng.uniform(0.01, 0.9)), output=output))
    return model.finish(model.unary(kind, x, output=output))
