"""Convolution and dense layers one output at a time, in Python's own integers: a reference that shares nothing.

Neither numpy nor `hwq.numeric` takes part but for the quantized multiplier: products, wrapping, rounding and clamping
are written out as docs/spec/numerics.md defines them.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from hwq.graph.layers import Conv2D, Dense
from hwq.graph.network import Network
from hwq.graph.requantization import effective_scales
from hwq.numeric.requantize import quantize_multiplier
from tests.support.simulation import wrapped


def requantized(accumulator: int, multiplier: int, shift: int) -> int:
    """Contract ``double``: times ``multiplier * 2^(shift - 31)``, ties up, then ties away from zero."""
    value = wrapped(accumulator << max(shift, 0), 32) * multiplier
    value = (value + (1 << 30)) >> 31
    right = max(-shift, 0)
    magnitude = (abs(value) + (1 << right >> 1)) >> right
    return magnitude if value >= 0 else -magnitude


def scalar_layer(network: Network, layer: Conv2D | Dense, codes: np.ndarray) -> list[int]:
    """Output codes, in memory order, of a layer for the input int8 [*shape]."""
    source, target = network.tensors[layer.inputs[0]], network.tensors[layer.output]
    zero_in, zero_out = (int(tensor.quantization.zero_point[0]) for tensor in (source, target))
    multipliers, shifts = quantize_multiplier(effective_scales(network, layer))
    sums = _dense(layer, codes, zero_in) if isinstance(layer, Dense) else _convolution(layer, codes, zero_in)
    low, high = layer.clamp
    channels = len(layer.weights)
    return [
        min(
            max(requantized(value, int(multipliers[place % channels]), int(shifts[place % channels])) + zero_out, low),
            high,
        )
        for place, value in enumerate(sums)
    ]


def _dense(layer: Dense, codes: np.ndarray, zero_point: int) -> list[int]:
    inputs = [int(code) - zero_point for code in codes.reshape(-1)]
    return [
        int(bias) + sum(int(weight) * value for weight, value in zip(row, inputs, strict=True))
        for row, bias in zip(layer.weights, layer.bias, strict=True)
    ]


def _convolution(layer: Conv2D, codes: np.ndarray, zero_point: int) -> list[int]:
    height, width, _ = codes.shape
    channels, kernel_h, kernel_w, depth = layer.weights.shape
    top, bottom, left, right = layer.padding
    out_h = (height + top + bottom - (kernel_h - 1) * layer.dilation[0] - 1) // layer.stride[0] + 1
    out_w = (width + left + right - (kernel_w - 1) * layer.dilation[1] - 1) // layer.stride[1] + 1
    inputs, weights = codes.tolist(), layer.weights.tolist()
    sums = []
    for y, x, channel in product(range(out_h), range(out_w), range(channels)):
        first = channel // (channels // layer.groups) * depth
        total = int(layer.bias[channel])
        for ky, kx in product(range(kernel_h), range(kernel_w)):
            row = y * layer.stride[0] + ky * layer.dilation[0] - top
            column = x * layer.stride[1] + kx * layer.dilation[1] - left
            if 0 <= row < height and 0 <= column < width:
                for c in range(depth):
                    total += (inputs[row][column][first + c] - zero_point) * weights[channel][ky][kx][c]
        sums.append(total)
    return sums
