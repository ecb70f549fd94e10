"""From one TFLite operator to one layer of a quantized network."""

from __future__ import annotations

from collections.abc import Callable

from hwq.errors import ModelError
from hwq.frontends.tflite.options import (
    ADD_ACTIVATION,
    CONV_ACTIVATION,
    DENSE_ACTIVATION,
    DEPTHWISE_ACTIVATION,
    POOL_ACTIVATION,
    check_dense,
    convolution_groups,
    convolution_window,
    depth_multiplier,
    depthwise_window,
    pad_amounts,
    pooling_window,
)
from hwq.frontends.tflite.reading import OperatorReader
from hwq.frontends.tflite.shared_operators import SHARED
from hwq.graph.layers import Add, Conv2D, Dense, DepthwiseConv2D, Layer, Pad, Pool2D, PoolKind, Requantize


def _conv_2d(read: OperatorReader) -> Layer:
    read.expect("Conv2DOptions", inputs=(2, 3))
    weights = read.weights(1, rank=4)
    window = convolution_window(read, weights.shape)
    return Conv2D(
        **read.common(1),
        weights=weights,
        weight_quantization=read.weight_quantization(1, axis=0, layer_axis=0),
        bias=read.bias(2, weights.shape[0], weight_input=1),
        stride=window.stride,
        dilation=window.dilation,
        padding=window.padding,
        clamp=read.clamp(CONV_ACTIVATION, read.output()),
        groups=convolution_groups(read, weights.shape),
    )


def _depthwise_conv_2d(read: OperatorReader) -> Layer:
    read.expect("DepthwiseConv2DOptions", inputs=(2, 3))
    weights = read.weights(1, rank=4)
    window = depthwise_window(read, weights.shape)
    return DepthwiseConv2D(
        **read.common(1),
        weights=weights[0],
        weight_quantization=read.weight_quantization(1, axis=3, layer_axis=2),
        bias=read.bias(2, weights.shape[3], weight_input=1),
        stride=window.stride,
        dilation=window.dilation,
        padding=window.padding,
        clamp=read.clamp(DEPTHWISE_ACTIVATION, read.output()),
        depth_multiplier=depth_multiplier(read),
    )


def _fully_connected(read: OperatorReader) -> Layer:
    read.expect("FullyConnectedOptions", inputs=(2, 3))
    weights = read.weights(1, rank=2)
    check_dense(read, weights.shape)
    return Dense(
        **read.common(1),
        weights=weights,
        weight_quantization=read.weight_quantization(1, axis=0, layer_axis=0),
        bias=read.bias(2, weights.shape[0], weight_input=1),
        clamp=read.clamp(DENSE_ACTIVATION, read.output()),
    )


def _pool(kind: PoolKind) -> Callable[[OperatorReader], Layer]:
    def convert(read: OperatorReader) -> Layer:
        read.expect("Pool2DOptions", inputs=(1,))
        window = pooling_window(read)
        clamp = read.clamp(POOL_ACTIVATION, read.output())
        return Pool2D(
            **read.common(1),
            kind=kind,
            kernel=window.kernel,
            stride=window.stride,
            padding=window.padding,
            clamp=clamp,
        )

    return convert


def _add(read: OperatorReader) -> Layer:
    read.expect("AddOptions", inputs=(2,))
    return Add(**read.common(2), clamp=read.clamp(ADD_ACTIVATION, read.output()))


def _pad(read: OperatorReader) -> Layer:
    read.expect(None, inputs=(2, 3))
    amounts = pad_amounts(read)
    value = int(read.output().quantization.zero_point[0])
    if len(read.operator.inputs) == 3:
        value = _pad_value(read)
    return Pad(**read.common(1), amounts=amounts, value=value)


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


def _quantize(read: OperatorReader) -> Layer:
    read.expect(None, inputs=(1,))
    return Requantize(**read.common(1))


CONVERTERS: dict[str, Callable[[OperatorReader], Layer]] = dict(
    sorted(
        {
            **SHARED,
            "ADD": _add,
            "AVERAGE_POOL_2D": _pool(PoolKind.AVERAGE),
            "CONV_2D": _conv_2d,
            "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
            "FULLY_CONNECTED": _fully_connected,
            "MAX_POOL_2D": _pool(PoolKind.MAX),
            "PAD": _pad,
            "PADV2": _pad,
            "QUANTIZE": _quantize,
        }.items()
    )
)
