"""What each kind of layer is in C++, or why it is not exported; here are those with windows and sums of products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ConfigError
from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, Layer, Pool2D, PoolKind, WeightedLayer
from hwq.graph.scaling import halves_go_away, scales_under
from hwq.hls import codewise, constants
from hwq.hls.setting import Setting, Spec, finish, members
from hwq.hls.source import Computation, Constant, Loop
from hwq.hls.summation import product_sums
from hwq.numeric.accumulation import BiasPlace


def computation(setting: Setting, layer: Layer) -> Computation | str:
    """What ``layer`` is in C++, or why it is not exported."""
    for name in (*layer.inputs, layer.output):
        codes = setting.quantization(name).format
        if codes.width > 8:
            return f"tensor {name} is {codes}, and codes of up to 8 bits are exported"
    find = _COMPUTATIONS.get(type(layer))
    if find is None:
        return f"{layer.op} is not exported"
    try:
        return find(setting, layer)
    except ConfigError as error:
        # A scale or a bias that records do not hold.
        return f"requantizer.{error}"


def _weighted(setting: Setting, layer: WeightedLayer, weights: NDArray[np.integer]) -> list[Constant]:
    bias = setting.bias(layer)
    spec, how = setting.requantization(layer), setting.accumulation(layer)
    scales, away = scales_under(spec.contract, setting.network, layer), halves_go_away(layer, spec.contract)
    begins = how.bias is BiasPlace.INITIAL
    fields = dict(spec.encode(scales, np.zeros_like(bias) if begins else bias, away))
    if begins:
        fields[spec.bias_field] = how.initial(bias)
    return [
        constants.array(f"hwq::standard<{setting.accelerator.weight.width}>", "weights", weights, "Of each channel."),
        constants.records(fields),
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
    sums = product_sums(setting, layer, layer.weights.shape[-1])
    if isinstance(sums, str):
        return sums
    channels, height, width, depth = layer.weights.shape
    spec = [
        *_image(setting, layer, (height, width), layer.dilation),
        *members(groups=layer.groups, rows=sums.rows, columns=setting.lanes[layer.output]),
        *sums.spec,
        *finish(setting, layer, layer.clamp),
    ]
    weights = layer.values.reshape(channels, height * width, depth)
    steps = Loop("sum", (*_pixels(setting, layer), height * width, depth // sums.rows))
    found, headers = _weighted(setting, layer, weights), ["hwq_convolution.h"]
    return Computation("convolution", headers, spec, found, loops=[_read_image(setting, layer), steps])


def _dense(setting: Setting, layer: Dense) -> Computation | str:
    sums = product_sums(setting, layer, layer.weights.shape[-1])
    if isinstance(sums, str):
        return sums
    units, depth = layer.weights.shape
    lanes_in, columns = setting.lanes[layer.inputs[0]], setting.lanes[layer.output]
    vectors = setting.network.tensors[layer.inputs[0]].elements // depth
    spec = [
        *members(vectors=vectors, depth=depth, out_channels=units),
        *members(lanes_in=lanes_in, lanes_out=columns, rows=sums.rows, columns=columns),
        *(member for member in sums.spec if member[1] != "padding_operand"),
        *finish(setting, layer, layer.clamp),
    ]
    loops = [Loop("read", (vectors, depth // lanes_in)), Loop("sum", (vectors, units // columns, depth // sums.rows))]
    return Computation("dense", ["hwq_dense.h"], spec, _weighted(setting, layer, layer.values), loops=loops)


def _depthwise(setting: Setting, layer: DepthwiseConv2D) -> Computation | str:
    sums = product_sums(setting, layer, 1)
    if isinstance(sums, str):
        return sums
    height, width, channels = layer.weights.shape
    spec = [
        *_image(setting, layer, (height, width), layer.dilation),
        *members(multiplier=layer.depth_multiplier, columns=setting.lanes[layer.output]),
        *sums.spec,
        *finish(setting, layer, layer.clamp),
    ]
    weights = layer.values.reshape(height * width, channels)
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
