"""Biases and scales of output channels, arranged as the kernels of `hwq.emulate.vectors` read them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwq.emulate.epilogue import BOUNDED, NUMBERS
from hwq.graph.layers import DepthwiseConv2D, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.scaling import halves_go_away, scales_under
from hwq.graph.tensors import Quantization
from hwq.numeric.bounds import accumulator_bounds, operand_range
from hwq.numeric.formats import INT32
from hwq.numeric.requantize import Contract, quantize_multiplier


def tag(length: int) -> tuple[int, ...]:
    """A number for a kernel to be specialized by."""
    return (0,) * length


class ChannelConstants:
    """Biases and scales of ``channels`` output channels as the kernels read them, padded to ``stride`` channels.

    Parameters
    ----------
    network, layer, contract:
        The layer, where it is, and how its accumulators are scaled.
    part:
        The channels it is about: a slice or their numbers.
    stride:
        Their number rounded up.
    offset:
        What the kernel's operands exceed the codes by: operands are ``code + offset``.
    sums:
        Where sums are not simply exact: what is added to those of each channel of the layer, and the largest magnitude
        of a channel's sum with that. ``offset`` is not looked at then.
    """

    def __init__(
        self,
        network: Network,
        layer: WeightedLayer,
        contract: Contract,
        part: slice | NDArray[np.int64],
        stride: int,
        offset: int = 0,
        sums: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    ) -> None:
        source = network.tensors[layer.inputs[0]].quantization
        target = network.tensors[layer.output].quantization
        weights = layer.weights if isinstance(layer, DepthwiseConv2D) else np.moveaxis(layer.weights, 0, -1)
        totals = weights.reshape(-1, weights.shape[-1]).sum(axis=0, dtype=np.int64)
        bias, reach = layer.bias.astype(np.int64) - totals * (int(source.zero_point[0]) + offset), _reach(layer, source)
        if sums is not None:
            bias, reach = sums
        scales = scales_under(contract, network, layer)
        multiplier, shift = quantize_multiplier(scales)
        self.valid = len(np.arange(layer.channels)[part])
        self.integers = np.zeros((5, stride), np.int32)
        rows = (
            bias,
            multiplier,
            np.maximum(shift, 0),
            np.maximum(-shift, 0),
            -halves_go_away(layer, contract).astype(np.int64),
        )
        for row, values in zip(self.integers, rows, strict=True):
            row[: self.valid] = values[part].astype(np.int32)
        self.factors = np.zeros(stride, np.float64)
        self.factors[: self.valid] = scales[part]
        zero = int(target.zero_point[0])
        self.bounds = np.array([layer.clamp[0] - zero, layer.clamp[1] - zero, zero + 128], np.int32)
        self.contract = tag(NUMBERS[contract])
        self.roundings = np.zeros(stride, np.int64)
        if contract is Contract.DOUBLE and _is_bounded(reach, zero, multiplier, shift):
            self.contract = tag(BOUNDED)
            half = np.int64(1) << (-shift[part] - 1)
            self.roundings[: self.valid] = (1 << 30) + ((half * (1 + 2 * (zero + 128))) << 31)
            self.integers[3, self.valid :] = 1
        blocks = self.roundings.reshape(-1, 8, 2)
        self.roundings = np.ascontiguousarray(blocks.transpose(0, 2, 1)).reshape(-1)


def _reach(layer: WeightedLayer, source: Quantization) -> NDArray[np.int64]:
    """Largest magnitude of an exact sum with its bias, for each channel."""
    low, high = accumulator_bounds(layer.channel_rows, *operand_range(source.format, int(source.zero_point[0]), True))
    return np.maximum(np.abs(low + layer.bias), np.abs(high + layer.bias))


def _is_bounded(reach: NDArray[np.int64], zero: int, multiplier: NDArray[np.int64], shift: NDArray[np.int64]) -> bool:
    """Whether `epilogue.BOUNDED` computes this layer: right shifts only, and every sum inside 32 bits."""
    if (shift > -1).any() or (shift < -22).any() or (reach > INT32.max).any():
        return False
    half = np.int64(1) << (-shift - 1)
    largest = ((reach * multiplier) >> 31) + 2 + half * (1 + 2 * abs(zero + 128))
    return bool((largest <= INT32.max).all())
