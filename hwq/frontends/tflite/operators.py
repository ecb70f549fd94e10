"""From one TFLite operator to one layer. Slots are fields of the operator's options table in the schema."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hwq.errors import ModelError
from hwq.frontends.tflite.reading import OperatorReader
from hwq.graph.layers import (
    Activation,
    ActivationKind,
    Add,
    Concatenation,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Layer,
    Mean,
    Pad,
    Pool2D,
    PoolKind,
    Requantize,
    Reshape,
    Softmax,
)
from hwq.graph.shapes import explicit_padding
from hwq.graph.tensors import Tensor

_SAME, _VALID = 0, 1


def _padding(
    read: OperatorReader,
    image: Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[int, int, int, int]:
    code = read.operator.integer(0, "int8")
    if code not in (_SAME, _VALID):
        raise ModelError(f"padding scheme {code}; supported are SAME and VALID")
    if len(image.shape) != 3:
        raise ModelError(f"input {image.name!r} has shape {[1, *image.shape]}; needed is [1, height, width, channels]")
    for what, sizes in (("stride", stride), ("dilation", dilation), ("kernel", kernel)):
        if min(sizes) < 1:
            raise ModelError(f"{what} {sizes} is not positive")
    return explicit_padding(code == _SAME, (image.shape[0], image.shape[1]), kernel, stride, dilation)


def _conv_2d(read: OperatorReader) -> Layer:
    read.expect("Conv2DOptions", inputs=(2, 3))
    options, image, output = read.operator, read.input(0), read.output()
    weights = read.weights(1, rank=4)
    kernel = (weights.shape[1], weights.shape[2])
    stride = (options.integer(2), options.integer(1))
    dilation = (options.integer(5, default=1), options.integer(4, default=1))
    padding = _padding(read, image, kernel, stride, dilation)
    channels, group_channels = image.shape[2], weights.shape[3]
    if channels % group_channels:
        raise ModelError(f"{channels} input channels are not a multiple of the weights' {group_channels}")
    return Conv2D(
        **read.common(1),
        weights=weights,
        weight_quantization=read.weight_quantization(1, axis=0, layer_axis=0),
        bias=read.bias(2, weights.shape[0], weight_input=1),
        stride=stride,
        dilation=dilation,
        padding=padding,
        clamp=read.clamp(3, output),
        groups=channels // group_channels,
    )


def _depthwise_conv_2d(read: OperatorReader) -> Layer:
    read.expect("DepthwiseConv2DOptions", inputs=(2, 3))
    options, image, output = read.operator, read.input(0), read.output()
    weights = read.weights(1, rank=4)
    if weights.shape[0] != 1:
        raise ModelError(f"depthwise weights have shape {list(weights.shape)}; needed is [1, height, width, channels]")
    kernel = (weights.shape[1], weights.shape[2])
    stride = (options.integer(2), options.integer(1))
    dilation = (options.integer(6, default=1), options.integer(5, default=1))
    return DepthwiseConv2D(
        **read.common(1),
        weights=weights[0],
        weight_quantization=read.weight_quantization(1, axis=3, layer_axis=2),
        bias=read.bias(2, weights.shape[3], weight_input=1),
        stride=stride,
        dilation=dilation,
        padding=_padding(read, image, kernel, stride, dilation),
        clamp=read.clamp(4, output),
        depth_multiplier=options.integer(3),
    )


def _fully_connected(read: OperatorReader) -> Layer:
    read.expect("FullyConnectedOptions", inputs=(2, 3))
    if read.operator.integer(1, "int8") != 0:
        raise ModelError("shuffled weights; supported is the default weights format")
    image, output = read.input(0), read.output()
    weights = read.weights(1, rank=2)
    if read.operator.flag(2) and (
        image.shape[-1:] != weights.shape[1:] or (*image.shape[:-1], weights.shape[0]) != output.shape
    ):
        raise ModelError(
            f"keep_num_dims: input {list(image.shape)}, weights {list(weights.shape)} and output "
            f"{list(output.shape)} do not agree"
        )
    return Dense(
        **read.common(1),
        weights=weights,
        weight_quantization=read.weight_quantization(1, axis=0, layer_axis=0),
        bias=read.bias(2, weights.shape[0], weight_input=1),
        clamp=read.clamp(0, output),
    )


def _add(read: OperatorReader) -> Layer:
    read.expect("AddOptions", inputs=(2,))
    return Add(**read.common(2), clamp=read.clamp(0, read.output()))


def _pool(kind: PoolKind) -> Callable[[OperatorReader], Layer]:
    def convert(read: OperatorReader) -> Layer:
        read.expect("Pool2DOptions", inputs=(1,))
        options = read.operator
        stride = (options.integer(2), options.integer(1))
        kernel = (options.integer(4), options.integer(3))
        padding = _padding(read, read.input(0), kernel, stride)
        clamp = read.clamp(5, read.output())
        return Pool2D(**read.common(1), kind=kind, kernel=kernel, stride=stride, padding=padding, clamp=clamp)

    return convert


def _reshape(read: OperatorReader) -> Layer:
    read.expect("ReshapeOptions", inputs=(1, 2), decisive=False)
    output = (1, *read.output().shape)
    if len(read.operator.inputs) == 2:
        wanted = tuple(read.integers(1))
    else:
        wanted = () if read.operator.options is None else read.operator.options.integers(0)
        if not wanted:
            raise ModelError("no new shape is given")
    known = [size for size in wanted if size != -1]
    if (
        len(wanted) != len(output)
        or len(known) < len(wanted) - 1
        or any(size not in (-1, actual) for size, actual in zip(wanted, output, strict=True))
    ):
        raise ModelError(f"new shape {list(wanted)} is not the output's shape {list(output)}")
    return Reshape(**read.common(1))


def _softmax(read: OperatorReader) -> Layer:
    read.expect("SoftmaxOptions", inputs=(1,))
    return Softmax(**read.common(1), beta=read.operator.real(0))


def _mean(read: OperatorReader) -> Layer:
    read.expect("ReducerOptions", inputs=(2,))
    rank = 1 + len(read.input(0).shape)
    axes = read.integers(1)
    if any(not -rank <= axis < rank for axis in axes):
        raise ModelError(f"axes {axes} are not axes of a tensor of rank {rank}")
    positive = sorted({axis % rank for axis in axes})
    if 0 in positive:
        raise ModelError("mean over the batch; supported are the other axes")
    if len(read.output().shape) != rank - 1 - (0 if read.operator.flag(0) else len(positive)):
        raise ModelError(f"output shape {[1, *read.output().shape]} does not follow from axes {axes}")
    return Mean(**read.common(1), axes=tuple(axis - 1 for axis in positive))


def _pad(read: OperatorReader) -> Layer:
    read.expect(None, inputs=(2, 3))
    amounts = read.constant(1)
    rank = 1 + len(read.input(0).shape)
    if amounts.shape != (rank, 2) or not np.issubdtype(amounts.dtype, np.integer):
        raise ModelError(f"paddings have shape {list(amounts.shape)}; needed is [{rank}, 2]")
    pairs: list[tuple[int, int]] = [(int(before), int(after)) for before, after in amounts.tolist()]
    if pairs[0] != (0, 0):
        raise ModelError("padding of the batch; supported are the other axes")
    value = int(read.output().quantization.zero_point[0])
    if len(read.operator.inputs) == 3:
        value = _pad_value(read)
    return Pad(**read.common(1), amounts=tuple(pairs[1:]), value=value)


def _pad_value(read: OperatorReader) -> int:
    tensor = read.raw_input(2)
    values = read.constant(2)
    if tensor.type != "int8" or values.size != 1:
        raise ModelError(f"{tensor} is not one int8 value to pad with")
    own, output = tensor.quantization, read.output().quantization
    if own is not None and (own.scale[0], own.zero_point[:1].tolist()) != (
        output.scale[0],
        output.zero_point.tolist(),
    ):
        raise ModelError(f"{tensor}: the value to pad with has another scale or zero-point than the output")
    return int(values.reshape(-1)[0])


def _concatenation(read: OperatorReader) -> Layer:
    read.expect("ConcatenationOptions", inputs=None)
    rank = 1 + len(read.output().shape)
    axis = read.operator.integer(0)
    if not -rank <= axis < rank or axis % rank == 0:
        raise ModelError(f"joins along axis {axis}; supported are the axes of rank {rank} but the batch")
    if read.operator.integer(1, "int8") != 0:
        raise ModelError("a fused activation; supported is a concatenation without one")
    return Concatenation(**read.common(len(read.operator.inputs)), axis=axis % rank - 1)


def _activation(kind: ActivationKind) -> Callable[[OperatorReader], Layer]:
    def convert(read: OperatorReader) -> Layer:
        read.expect(None, inputs=(1,))
        return Activation(**read.common(1), kind=kind)

    return convert


def _leaky_relu(read: OperatorReader) -> Layer:
    read.expect("LeakyReluOptions", inputs=(1,))
    return Activation(**read.common(1), kind=ActivationKind.LEAKY_RELU, alpha=read.operator.real(0))


def _quantize(read: OperatorReader) -> Layer:
    read.expect(None, inputs=(1,))
    return Requantize(**read.common(1))


CONVERTERS: dict[str, Callable[[OperatorReader], Layer]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _pool(PoolKind.AVERAGE),
    "CONCATENATION": _concatenation,
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "FULLY_CONNECTED": _fully_connected,
    "HARD_SWISH": _activation(ActivationKind.HARD_SWISH),
    "LEAKY_RELU": _leaky_relu,
    "LOGISTIC": _activation(ActivationKind.LOGISTIC),
    "MAX_POOL_2D": _pool(PoolKind.MAX),
    "MEAN": _mean,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _quantize,
    "RELU": _activation(ActivationKind.RELU),
    "RELU6": _activation(ActivationKind.RELU6),
    "RELU_N1_TO_1": _activation(ActivationKind.RELU_N1_TO_1),
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
    "TANH": _activation(ActivationKind.TANH),
}
