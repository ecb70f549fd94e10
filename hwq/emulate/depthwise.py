"""Depthwise convolution, planned once and run on batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hwq.emulate import kernels
from hwq.emulate.constants import ChannelConstants, tag
from hwq.emulate.geometry import Windows
from hwq.emulate.memory import Bytes, allocate
from hwq.graph.layers import DepthwiseConv2D
from hwq.graph.network import Network
from hwq.numeric.requantize import Contract

#: Rows of a tile.
_ROWS = 4


class Depthwise:
    """Depthwise convolution; a depth multiplier repeats the input's channels first.

    Few channels at stride 1 are taken several pixels at a time: what is adjacent in the image then fills a vector.

    Parameters
    ----------
    network, layer, contract:
        The layer, where it is, and how its accumulators are scaled.
    """

    def __init__(self, network: Network, layer: DepthwiseConv2D, contract: Contract) -> None:
        height, width, _ = network.tensors[layer.inputs[0]].shape
        kernel_h, kernel_w, channels = layer.weights.shape
        zero = int(network.tensors[layer.inputs[0]].quantization.zero_point[0])
        together = _pixels_together(layer, network.tensors[layer.output].shape[1], contract)
        self._windows = Windows(
            (height, width, channels),
            (kernel_h, kernel_w),
            layer.stride,
            layer.dilation,
            layer.padding,
            channels,
            zero + 128,
            together,
        )
        repeated = _repeat_channels(layer, together)
        stride = -(-channels * together // 16) * 16
        self._constants = ChannelConstants(network, repeated, contract, slice(None), stride, 128)
        self._weights = np.zeros((kernel_h * kernel_w, stride), np.int32)
        self._weights[:, : channels * together] = repeated.weights.reshape(kernel_h * kernel_w, -1)
        self._repeats = layer.depth_multiplier

    def __call__(self, out: Bytes, x: Bytes) -> None:
        """Compute ``out`` [N, ...] from ``x`` [N, ...], contiguous."""
        windows, constants = self._windows, self._constants
        if self._repeats > 1:
            wide = allocate((*x.shape[:-1], x.shape[-1] * self._repeats))
            wide[...] = np.repeat(x, self._repeats, axis=-1)
            x = wide
        images = x.reshape(len(x), *windows.rows)
        flat = out.reshape(len(out), -1)
        frame = windows.frame()
        for first, steps, samples in windows.steps(len(x)):
            pixels, targets = windows.tables(samples, _ROWS)
            kernels.depthwise_pixels(
                images[first:],
                frame,
                windows.corner,
                steps,
                samples * windows.source_bytes,
                pixels,
                windows.taps,
                self._weights,
                constants.integers,
                constants.roundings,
                constants.factors,
                constants.valid,
                constants.bounds,
                flat[first:],
                samples * windows.target_bytes,
                targets,
                tag(_ROWS),
                constants.contract,
            )


def _pixels_together(layer: DepthwiseConv2D, width: int, contract: Contract) -> int:
    """Neighboring output pixels whose channels make one vector; 1 where they do not, or their inputs are not adjacent.

    UP2 tells channels apart by their number, which a repetition would change.
    """
    channels = layer.channels
    together = max(1, 16 // channels)
    return together if layer.stride[1] == 1 and width % together == 0 and contract is not Contract.UP2 else 1


def _repeat_channels(layer: DepthwiseConv2D, times: int) -> DepthwiseConv2D:
    """The layer with its channels ``times`` over."""
    quantization = layer.weight_quantization
    if quantization.per_channel:
        scale, zero_point = np.tile(quantization.scale, times), np.tile(quantization.zero_point, times)
        quantization = replace(quantization, scale=scale, zero_point=zero_point)
    return replace(
        layer,
        weights=np.tile(layer.weights, (1, 1, times)),
        bias=np.tile(layer.bias, times),
        weight_quantization=quantization,
    )
