"""From one TFLite operator to one layer of a float network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hwq.errors import ModelError
from hwq.floating.layers import Add, Affine, Conv2D, Dense, DepthwiseConv2D, Pad, Pool2D, Reals
from hwq.frontends.tflite.float_reading import FloatReader
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
from hwq.frontends.tflite.shared_operators import SHARED
from hwq.graph.layers import Layer, PoolKind


def _conv_2d(read: FloatReader) -> Layer:
    read.expect("Conv2DOptions", inputs=(2, 3))
    weights = read.reals(1, rank=4)
    window = convolution_window(read, weights.shape)
    return Conv2D(
        **read.common(1),
        weights=weights,
        bias=read.bias(2, weights.shape[0]),
        stride=window.stride,
        dilation=window.dilation,
        padding=window.padding,
        activation=read.fused(CONV_ACTIVATION),
        groups=convolution_groups(read, weights.shape),
    )


def _depthwise_conv_2d(read: FloatReader) -> Layer:
    read.expect("DepthwiseConv2DOptions", inputs=(2, 3))
    weights = read.reals(1, rank=4)
    window = depthwise_window(read, weights.shape)
    return DepthwiseConv2D(
        **read.common(1),
        weights=weights[0],
        bias=read.bias(2, weights.shape[3]),
        stride=window.stride,
        dilation=window.dilation,
        padding=window.padding,
        activation=read.fused(DEPTHWISE_ACTIVATION),
        depth_multiplier=depth_multiplier(read),
    )


def _fully_connected(read: FloatReader) -> Layer:
    read.expect("FullyConnectedOptions", inputs=(2, 3))
    weights = read.reals(1, rank=2)
    check_dense(read, weights.shape)
    return Dense(
        **read.common(1),
        weights=weights,
        bias=read.bias(2, weights.shape[0]),
        activation=read.fused(DENSE_ACTIVATION),
    )


def _pool(kind: PoolKind) -> Callable[[FloatReader], Layer]:
    def convert(read: FloatReader) -> Layer:
        read.expect("Pool2DOptions", inputs=(1,))
        window = pooling_window(read)
        return Pool2D(
            **read.common(1),
            kind=kind,
            kernel=window.kernel,
            stride=window.stride,
            padding=window.padding,
            activation=read.fused(POOL_ACTIVATION),
        )

    return convert


def _arithmetic(kind: str, options: str) -> Callable[[FloatReader], Layer]:
    """ADD, SUB, MUL or DIV of a tensor and a constant for each channel; ADD of two tensors too."""

    def convert(read: FloatReader) -> Layer:
        read.expect(options, inputs=(2,))
        constant = [read.is_constant(position) for position in range(2)]
        if not any(constant):
            if kind != "ADD":
                raise ModelError("both of its inputs are computed; supported is one constant for each channel")
            return Add(**read.common(2), activation=read.fused(ADD_ACTIVATION))
        first = constant[0]
        position = 1 if first else 0
        image = read.input(position)
        if image.shape != read.output().shape or not image.shape:
            raise ModelError(f"its constant broadcasts {list(image.shape)} to {list(read.output().shape)}")
        values = _per_channel(read, 1 - position, image.shape[-1])
        scale, offset = _affine(kind, values, first)
        return Affine(
            name=read.common(0)["name"],
            inputs=(image.name,),
            output=read.output().name,
            scale=scale,
            offset=offset,
            activation=read.fused(ADD_ACTIVATION),
        )

    return convert


def _affine(kind: str, values: Reals, first: bool) -> tuple[Reals, Reals]:
    """Factor and offset for each channel; ``first`` where the constant is the first operand."""
    zeros, ones = np.zeros_like(values), np.ones_like(values)
    if kind == "ADD":
        return ones, values
    if kind == "SUB":
        return (-ones, values) if first else (ones, -values)
    if kind == "MUL":
        return values, zeros
    if first:
        raise ModelError("divides a constant by a tensor; supported is a tensor divided by a constant")
    with np.errstate(divide="ignore"):
        return ones / values, zeros


def _per_channel(read: FloatReader, position: int, channels: int) -> Reals:
    """A constant operand as one value for each channel."""
    values = read.reals(position)
    if values.size != 1 and values.shape[-1:] != (values.size,):
        raise ModelError(f"its constant has shape {list(values.shape)}; supported is one value for each channel")
    if values.size not in (1, channels):
        raise ModelError(f"its constant has {values.size} values for {channels} channels")
    return np.broadcast_to(values.reshape(-1), (channels,))


def _pad(read: FloatReader) -> Layer:
    read.expect(None, inputs=(2, 3))
    amounts, value = pad_amounts(read), 0.0
    if len(read.operator.inputs) == 3:
        values = read.reals(2)
        if values.size != 1:
            raise ModelError(f"{read.raw_input(2)} is not one number to pad with")
        value = float(values.reshape(-1)[0])
    return Pad(**read.common(1), amounts=amounts, value=value)


FLOAT_CONVERTERS: dict[str, Callable[[FloatReader], Layer]] = dict(
    sorted(
        {
            **SHARED,
            "ADD": _arithmetic("ADD", "AddOptions"),
            "AVERAGE_POOL_2D": _pool(PoolKind.AVERAGE),
            "CONV_2D": _conv_2d,
            "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
            "DIV": _arithmetic("DIV", "DivOptions"),
            "FULLY_CONNECTED": _fully_connected,
            "MAX_POOL_2D": _pool(PoolKind.MAX),
            "MUL": _arithmetic("MUL", "MulOptions"),
            "PAD": _pad,
            "PADV2": _pad,
            "SUB": _arithmetic("SUB", "SubOptions"),
        }.items()
    )
)
