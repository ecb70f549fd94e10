"""A layer's outputs where sums may leave their width, one product after the other, in Python's own integers.

Written from docs/spec/numerics.md and the order that docs/spec/accelerator.md gives; only the quantized multipliers are
hwq's. Emulator and hardware share the schedule; this model cuts passes by itself.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.requantization import effective_scales
from hwq.numeric.requantize import quantize_multiplier
from tests.support.scalar import requantized
from tests.support.scalar_sums import scalar_sum
from tests.support.simulation import wrapped


def scalar_outputs(
    network: Network, layer: WeightedLayer, codes: np.ndarray, rows: int | None, subtracted: bool, **sums: Any
) -> tuple[list[int], list[list[int]]]:
    """Codes in memory order, and [psum, accumulator, output] events of each channel.

    ``rows`` is the height of the array, ``None`` for the depthwise engine, ``sums`` what `scalar_sum` wants to know.
    """
    source, target = network.tensors[layer.inputs[0]], network.tensors[layer.output]
    zero, out_zero = (int(tensor.quantization.zero_point[0]) for tensor in (source, target))
    # One of all channels, or each its own.
    zeros = layer.weight_quantization.zero_point.tolist()
    multipliers, shifts = quantize_multiplier(effective_scales(network, layer))
    initial = sums.pop("bias") == "initial"
    outputs, events = [], [[0, 0, 0] for _ in range(layer.channels)]
    for channel, runs in _outputs(layer, codes):
        operands = [[(zero if code is None else code) - zero * subtracted for code, _ in run] for run in runs]
        weights = [[weight - zeros[channel % len(zeros)] for _, weight in run] for run in runs]
        bias = int(layer.bias[channel])
        if not subtracted:
            bias -= zero * sum(map(sum, weights))
        bias = wrapped(bias, 32)
        lengths = [len(run) for run in runs]
        passes = (
            [sum(lengths)] if rows is None else [p for n in lengths for p in [rows] * (n // rows) + [n % rows] if p]
        )
        products = [x * w for xs, ws in zip(operands, weights, strict=True) for x, w in zip(xs, ws, strict=True)]
        total, psum_events, accumulator_events = scalar_sum(products, passes, bias=bias if initial else 0, **sums)
        total <<= sums.get("truncate", 0)
        value = wrapped(total + (0 if initial else bias), 32)
        code = requantized(value, int(multipliers[channel]), int(shifts[channel])) + out_zero
        counts = (psum_events, accumulator_events, not -128 <= code <= 127)
        events[channel] = [had + now for had, now in zip(events[channel], counts, strict=True)]
        outputs.append(min(max(code, layer.clamp[0]), layer.clamp[1]))
    return outputs, events


def _outputs(layer: WeightedLayer, codes: np.ndarray) -> Any:
    """Of every output its channel and its runs of (input code, ``None`` in padding; weight)."""
    if isinstance(layer, Dense):
        count = layer.weights.shape[1]
        inputs = codes.reshape(-1).tolist()
        for begin in range(0, len(inputs), count):
            for channel, row in enumerate(layer.weights.tolist()):
                yield channel, [list(zip(inputs[begin : begin + count], row, strict=True))]
        return
    assert isinstance(layer, Conv2D | DepthwiseConv2D)
    height, width, channels = codes.shape
    if isinstance(layer, DepthwiseConv2D):
        kernels, depth = np.moveaxis(layer.weights, 2, 0)[..., None].tolist(), 1
    else:
        kernels, depth = layer.weights.tolist(), layer.weights.shape[3]
    kernel_h, kernel_w = len(kernels[0]), len(kernels[0][0])
    (top, bottom, left, right), inputs = layer.padding, codes.tolist()
    out_h = (height + top + bottom - (kernel_h - 1) * layer.dilation[0] - 1) // layer.stride[0] + 1
    out_w = (width + left + right - (kernel_w - 1) * layer.dilation[1] - 1) // layer.stride[1] + 1
    per_group = len(kernels) * depth // channels
    adjacent = depth == channels and (layer.dilation[1] == 1 or kernel_w == 1)
    whole = adjacent and kernel_w == width and layer.dilation == (1, 1) and not any(layer.padding)
    for y, x, channel in product(range(out_h), range(out_w), range(len(kernels))):
        first, runs = channel // per_group * depth, []
        for ky in range(kernel_h):
            row = y * layer.stride[0] + ky * layer.dilation[0] - top
            for kx in range(kernel_w):
                column = x * layer.stride[1] + kx * layer.dilation[1] - left
                inside = 0 <= row < height and 0 <= column < width
                taps = [
                    (inputs[row][column][first + c] if inside else None, kernels[channel][ky][kx][c])
                    for c in range(depth)
                ]
                # Contiguous inputs are one run: a kernel's row, or all of it where it spans the image.
                if runs and (whole or (adjacent and kx > 0)):
                    runs[-1] += taps
                else:
                    runs.append(taps)
        yield channel, runs
