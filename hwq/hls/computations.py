"""What each kind of layer is in C++, or why it is not exported; here are those with windows and sums of products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, Layer, Pool2D, PoolKind, WeightedLayer
from hwq.graph.requantization import effective_scales
from hwq.hls import codewise, constants
from hwq.hls.lanes import largest_divisor
from hwq.hls.setting import Setting, Spec, finish, members
from hwq.hls.source import Computation, Constant, Loop
from hwq.numeric.bounds import accumulator_bits, operand_range
from hwq.numeric.requantize import quantize_multiplier


def computation(setting: Setting, layer: Layer) -> Computation | str:
    """What ``layer`` is in C++, or why it is not exported."""
    find = _COMPUTATIONS.get(type(layer))
    return f"{layer.op} is not exported" if find is None else find(setting, layer)


def _sum(setting: Setting, layer: WeightedLayer) -> Spec | str:
    """Operands and widths of a sum of products."""
    arithmetic = setting.accelerator.arithmetic
    source = setting.quantization(layer.inputs[0])
    zero = setting.zero_point(layer.inputs[0])
    operands = operand_range(source.format, zero, setting.subtracted)
    needed = accumulator_bits(layer.channel_rows, operands)
    if needed > arithmetic.accumulator_bits:
        return f"its sums need {needed} bits, and arithmetic.accumulator_bits is {arithmetic.accumulator_bits}"
    low, high = int(layer.weights.min()), int(layer.weights.max())
    if low < setting.accelerator.weight.min or high > setting.accelerator.weight.max:
        return f"its weights are from {low} to {high}, and arithmetic.weight_bits is {arithmetic.weight_bits}"
    return [
        *members(weight_bits=arithmetic.weight_bits, accumulator_bits=arithmetic.accumulator_bits),
        *members(offset=zero if setting.subtracted else 0, padding_operand=0 if setting.subtracted else zero),
    ]


def _weighted(setting: Setting, layer: WeightedLayer, weights: NDArray[np.integer]) -> list[Constant]:
    bias = layer.bias.astype(np.int64)
    if not setting.subtracted:
        # sum(w * (q - z)) is sum(w * q) less z times the sum of the weights; modulo 2^32, as the sum itself.
        bias = bias - setting.zero_point(layer.inputs[0]) * layer.channel_rows.sum(axis=1, dtype=np.int64)
        bias = bias.astype(np.int32).astype(np.int64)
    multiplier, shift = quantize_multiplier(effective_scales(setting.network, layer))
    return [
        constants.array(f"hwq::standard<{setting.accelerator.weight.width}>", "weights", weights, "Of each channel."),
        constants.records(bias.tolist(), multiplier.tolist(), shift.tolist()),
    ]


def _image(setting: Setting, layer: Any, kernel: tuple[int, int], dilation: tuple[int, int]) -> Spec:
    """Sizes of a window that slides over an image."""
    height, width, channels = setting.network.tensors[layer.inputs[0]].shape
    out_height, out_width, out_channels = setting.network.tensors[layer.output].shape
    return members(
        height=height,
        width=width,
        channels=channels,
        out_height=out_height,
        out_width=out_width,
        out_channels=out_channels,
        kernel_height=kernel[0],
        kernel_width=kernel[1],
        stride_height=layer.stride[0],
        stride_width=layer.stride[1],
        dilation_height=dilation[0],
        dilation_width=dilation[1],
        padding_top=layer.padding[0],
        padding_left=layer.padding[2],
        lanes_in=setting.lanes[layer.inputs[0]],
        lanes_out=setting.lanes[layer.output],
    )


def _read_image(setting: Setting, layer: Any) -> Loop:
    """The loop that fills the lines of a window, some rows at a time."""
    height, width, channels = setting.network.tensors[layer.inputs[0]].shape
    return Loop("read", (height, width, channels // setting.lanes[layer.inputs[0]]))


def _pixels(setting: Setting, layer: Any) -> tuple[int, ...]:
    """Trips of the loops along an output image, of whose channels a pack is computed at a time."""
    height, width, channels = setting.network.tensors[layer.output].shape
    return height, width, channels // setting.lanes[layer.output]


def _convolution(setting: Setting, layer: Conv2D) -> Computation | str:
    sums = _sum(setting, layer)
    if isinstance(sums, str):
        return sums
    channels, height, width, depth = layer.weights.shape
    rows = largest_divisor(depth, setting.accelerator.array.rows)
    spec = [
        *_image(setting, layer, (height, width), layer.dilation),
        *members(groups=layer.groups, rows=rows, columns=setting.lanes[layer.output]),
        *sums,
        *finish(setting, layer, layer.clamp),
    ]
    weights = layer.weights.reshape(channels, height * width, depth)
    steps = Loop("sum", (*_pixels(setting, layer), height * width, depth // rows))
    found, headers = _weighted(setting, layer, weights), ["hwq_convolution.h"]
    return Computation("convolution", headers, spec, found, loops=[_read_image(setting, layer), steps])


def _dense(setting: Setting, layer: Dense) -> Computation | str:
    sums = _sum(setting, layer)
    if isinstance(sums, str):
        return sums
    units, depth = layer.weights.shape
    lanes_in, columns = setting.lanes[layer.inputs[0]], setting.lanes[layer.output]
    vectors = setting.network.tensors[layer.inputs[0]].elements // depth
    rows = largest_divisor(depth, setting.accelerator.array.rows)
    spec = [
        *members(vectors=vectors, depth=depth, out_channels=units),
        *members(lanes_in=lanes_in, lanes_out=columns, rows=rows, columns=columns),
        *(member for member in sums if member[1] != "padding_operand"),
        *finish(setting, layer, layer.clamp),
    ]
    loops = [Loop("read", (vectors, depth // lanes_in)), Loop("sum", (vectors, units // columns, depth // rows))]
    return Computation("dense", ["hwq_dense.h"], spec, _weighted(setting, layer, layer.weights), loops=loops)


def _depthwise(setting: Setting, layer: DepthwiseConv2D) -> Computation | str:
    sums = _sum(setting, layer)
    if isinstance(sums, str):
        return sums
    height, width, channels = layer.weights.shape
    spec = [
        *_image(setting, layer, (height, width), layer.dilation),
        *members(multiplier=layer.depth_multiplier, columns=setting.lanes[layer.output]),
        *sums,
        *finish(setting, layer, layer.clamp),
    ]
    weights = layer.weights.reshape(height * width, channels)
    steps = Loop("sum", (*_pixels(setting, layer), height * width))
    found, headers = _weighted(setting, layer, weights), ["hwq_depthwise.h"]
    return Computation("depthwise", headers, spec, found, loops=[_read_image(setting, layer), steps])


def _pool(setting: Setting, layer: Pool2D) -> Computation:
    kind = {PoolKind.AVERAGE: "average", PoolKind.MAX: "maximum"}[layer.kind]
    spec = [
        ("hwq::pooling", "kind", f"hwq::pooling::{kind}"),
        *_image(setting, layer, layer.kernel, (1, 1)),
        *members(columns=setting.lanes[layer.output], low=layer.clamp[0], high=layer.clamp[1]),
    ]
    steps = Loop("pool", (*_pixels(setting, layer), layer.kernel[0] * layer.kernel[1]))
    return Computation("pool", ["hwq_pooling.h"], spec, loops=[_read_image(setting, layer), steps])


_COMPUTATIONS: Mapping[type[Layer], Callable[[Setting, Any], Computation | str]] = {
    Conv2D: _convolution,
    DepthwiseConv2D: _depthwise,
    Dense: _dense,
    Pool2D: _pool,
    **codewise.COMPUTATIONS,
}
