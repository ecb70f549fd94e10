"""Convolution, depthwise convolution and dense layers in the plainest numpy: what the emulator's kernels must equal.

Every padded input, every product and every sum stands in the open, as 64-bit integers; nothing is planned, folded or
reordered. Scaling is `hwq.numeric.requantize` on the layer's own scales.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, Layer, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.requantization import effective_scales
from hwq.numeric.requantize import Contract, quantize_multiplier, requantize, requantize_float

Array = NDArray[Any]


def run_plain(network: Network, layer: Layer, x: Array, contract: Contract) -> Array:
    """Output int8 [N, *shape] of a layer with weights for its input int8 [N, *shape], under ``contract``."""
    assert isinstance(layer, WeightedLayer)
    source, target = (network.tensors[name] for name in (layer.inputs[0], layer.output))
    values = x.astype(np.int64) - int(source.quantization.zero_point[0])
    if isinstance(layer, Dense):
        sums = values.reshape(-1, layer.weights.shape[1]) @ layer.weights.astype(np.int64).T
    elif isinstance(layer, Conv2D):
        sums = _convolution(values, layer)
    else:
        sums = _depthwise(values, layer)
    codes = _scale(network, layer, sums + layer.bias, contract) + int(target.quantization.zero_point[0])
    return np.clip(codes, *layer.clamp).astype(np.int8).reshape(len(x), *target.shape)


def _windows(x: Array, layer: Conv2D | DepthwiseConv2D, kernel: tuple[int, int]) -> Array:
    """[N, out_h, out_w, channels, kernel_h, kernel_w]."""
    top, bottom, left, right = layer.padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    extent = tuple((k - 1) * d + 1 for k, d in zip(kernel, layer.dilation, strict=True))
    views = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=(1, 2))
    return views[:, :: layer.stride[0], :: layer.stride[1], :, :: layer.dilation[0], :: layer.dilation[1]]


def _convolution(x: Array, layer: Conv2D) -> Array:
    out_channels, kernel_h, kernel_w, depth = layer.weights.shape
    windows = _windows(x, layer, (kernel_h, kernel_w))
    size = out_channels // layer.groups
    parts = [
        np.einsum(
            "nyxckl,oklc->nyxo",
            windows[:, :, :, g * depth : (g + 1) * depth],
            layer.weights[g * size : (g + 1) * size].astype(np.int64),
        )
        for g in range(layer.groups)
    ]
    return np.concatenate(parts, axis=-1)


def _depthwise(x: Array, layer: DepthwiseConv2D) -> Array:
    windows = _windows(np.repeat(x, layer.depth_multiplier, axis=3), layer, layer.weights.shape[:2])
    return np.einsum("nyxckl,klc->nyxc", windows, layer.weights.astype(np.int64))


def _scale(network: Network, layer: WeightedLayer, sums: Array, contract: Contract) -> Array:
    scales = effective_scales(network, layer)
    source, target = (network.tensors[name].quantization.scale[0] for name in (layer.inputs[0], layer.output))
    weights = layer.weight_quantization.scale
    if contract is Contract.F64AWAY and not isinstance(layer, Dense):
        contract = Contract.DOUBLE
    if contract is Contract.F64AWAY:
        return requantize_float(sums, scales, contract)
    if contract is Contract.FP32HE:
        return requantize_float(sums, (source * weights) / target, contract)
    if contract is Contract.UP2 and isinstance(layer, Dense) and not layer.weight_quantization.per_channel:
        scales = np.broadcast_to(np.float64(source * weights) / np.float64(target), sums.shape[-1:])
    if contract is not Contract.UP2 or (isinstance(layer, Conv2D) and layer.groups > 1):
        return requantize(sums, *quantize_multiplier(scales), Contract.DOUBLE if contract is Contract.UP2 else contract)
    # LiteRT's depthwise kernel takes eight channels at a time; what is left over it scales like the reference.
    whole = sums.shape[-1] // 8 * 8 if isinstance(layer, DepthwiseConv2D) else sums.shape[-1]
    first = requantize(sums[..., :whole], *quantize_multiplier(scales[:whole]), Contract.UP2)
    rest = requantize(sums[..., whole:], *quantize_multiplier(scales[whole:]), Contract.DOUBLE)
    return np.concatenate([first, rest], axis=-1)
