"""Weights and biases as codes: what is common to every method, and what a method does with a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.floating import layers as real
from hwq.graph import tensors
from hwq.graph.layers import Layer
from hwq.numeric.formats import INT8, INT32
from hwq.quantize.levels import channel_reach, weight_levels
from hwq.quantize.moments import Matrix, Moments
from hwq.quantize.replay import Replay
from hwq.quantize.second_order import corrected_bias, round_weights
from hwq.quantize.specification import Granularity, Quantization, WeightMethod, WeightQuantization

#: Largest bias in codes: half of what 32 bits hold, so that the products have the other half.
_LARGEST_BIAS = 1 << 30

#: Smallest scale: of channels without weights or with none worth the name.
_SMALLEST_SCALE = 2.0**-100


@dataclass(frozen=True, eq=False)
class WeightCodes:
    """What a quantized layer holds: int8 weights in the float layer's shape, their scales, int32 biases."""

    weights: NDArray[np.int8]
    quantization: tensors.Quantization
    bias: NDArray[np.int32]


class WeightQuantizer:
    """Codes of one layer's constants after the other, in the order of the network.

    Parameters
    ----------
    spec:
        How, all choices being made.
    replay:
        The calibration samples on their way through the network; ``None`` where no method needs them.
    """

    def __init__(self, spec: Quantization, replay: Replay | None) -> None:
        self._spec, self._replay = spec, replay

    def codes(self, layer: real.WeightedLayer, input_scale: np.float32) -> WeightCodes:
        """Codes of the constants of ``layer`` for an input of scale ``input_scale``."""
        spec, rows = self._spec.weights_of(layer.name), channel_rows(layer)
        bias = layer.bias.astype(np.float64)
        floor = np.maximum(np.abs(bias) / (np.float64(input_scale) * _LARGEST_BIAS), _SMALLEST_SCALE)
        moments = self._moments(layer)
        if spec.method is WeightMethod.SECOND_ORDER and moments is not None:
            codes, scales = round_weights(rows, moments, spec, floor)
            rounded = scales.astype(np.float32)
        else:
            codes, rounded = nearest(rows, floor, spec)
        if spec.corrects_bias and moments is not None:
            bias = corrected_bias(bias, rows, codes * rounded[:, None].astype(np.float64), moments)
        return _packed(layer, codes, rounded, bias / (np.float64(input_scale) * rounded.astype(np.float64)), spec)

    def follow(self, layer: Layer, quantized: Sequence[Layer]) -> None:
        """Take note of what ``layer`` of the float network became."""
        if self._replay is not None:
            self._replay.follow(layer, quantized)

    def _moments(self, layer: real.WeightedLayer) -> Moments | None:
        if self._replay is None:
            return None
        moments = Moments()
        for quantized, exact in self._replay.pairs(layer.inputs[0]):
            moments.add(layer, quantized, exact)
        return moments


def channel_rows(layer: real.WeightedLayer) -> Matrix:
    """Weights of each output channel, [channels, n]."""
    return np.moveaxis(layer.weights, layer.channel_axis, 0).reshape(layer.channels, -1).astype(np.float64)


def nearest(rows: Matrix, floor: Matrix, spec: WeightQuantization) -> tuple[Matrix, NDArray[np.float32]]:
    """Nearest values, and scales that make the largest weight of a channel (or of the layer) the largest value.

    No scale is below ``floor``, [channels].
    """
    whole = rows[None]
    reach = channel_reach(whole, shared=spec.granularity is Granularity.TENSOR)
    levels = weight_levels(spec, whole, reach, np.ones((1, rows.shape[1])))
    scales = np.maximum(reach[0] / levels.highest, floor)
    if spec.granularity is Granularity.TENSOR:
        scales = np.full_like(scales, scales.max())
    rounded = scales.astype(np.float32)
    return levels.nearest(whole / rounded[:, None].astype(np.float64))[0], rounded


def _packed(
    layer: real.WeightedLayer, codes: Matrix, scales: NDArray[np.float32], bias: Matrix, spec: WeightQuantization
) -> WeightCodes:
    axis = layer.channel_axis
    shape = np.moveaxis(layer.weights, axis, 0).shape
    weights = np.ascontiguousarray(np.moveaxis(codes.astype(np.int8).reshape(shape), 0, axis))
    if spec.granularity is Granularity.TENSOR:
        quantization = tensors.Quantization(INT8, scales[:1], np.zeros(1, np.int32))
    else:
        quantization = tensors.Quantization(INT8, scales, np.zeros(layer.channels, np.int32), axis)
    return WeightCodes(weights, quantization, np.clip(np.rint(bias), INT32.min, INT32.max).astype(np.int32))
