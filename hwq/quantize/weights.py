"""Weights and biases as codes, rounded to nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.floating import layers as real
from hwq.graph.tensors import Quantization
from hwq.numeric.formats import INT8, INT32
from hwq.quantize.grids import code_range
from hwq.quantize.specification import Granularity, WeightQuantization

#: Largest bias in codes: half of what 32 bits hold, so that the products have the other half.
_LARGEST_BIAS = 1 << 30

#: Smallest scale: of channels without weights or with none worth the name.
_SMALLEST_SCALE = 2.0**-100


@dataclass(frozen=True, eq=False)
class WeightCodes:
    """What a quantized layer holds: int8 weights in the float layer's shape, their scales, int32 biases."""

    weights: NDArray[np.int8]
    quantization: Quantization
    bias: NDArray[np.int32]


def quantize_weights(layer: real.WeightedLayer, spec: WeightQuantization, input_scale: np.float32) -> WeightCodes:
    """Codes of a layer's constants for an input of scale ``input_scale``.

    The largest weight of a channel (or of the layer) becomes the largest code. Where a bias would not fit the
    accumulator then, the scale is as large as the bias needs.
    """
    axis = layer.channel_axis
    rows = np.moveaxis(layer.weights, axis, 0).reshape(layer.channels, -1).astype(np.float64)
    low, high = code_range(spec.bits, spec.scheme)
    per_bias = np.abs(layer.bias.astype(np.float64)) / (np.float64(input_scale) * _LARGEST_BIAS)
    scales = np.maximum(np.abs(rows).max(axis=1) / high, per_bias)
    if spec.granularity is Granularity.TENSOR:
        scales = np.full_like(scales, scales.max())
    rounded = np.maximum(scales, _SMALLEST_SCALE).astype(np.float32)
    codes = np.clip(np.rint(rows / rounded[:, None].astype(np.float64)), low, high).astype(np.int8)
    shape = np.moveaxis(layer.weights, axis, 0).shape
    weights = np.ascontiguousarray(np.moveaxis(codes.reshape(shape), 0, axis))
    steps = layer.bias / (np.float64(input_scale) * rounded.astype(np.float64))
    bias = np.clip(np.rint(steps), INT32.min, INT32.max).astype(np.int32)
    if spec.granularity is Granularity.TENSOR:
        quantization = Quantization(INT8, rounded[:1], np.zeros(1, np.int32))
    else:
        quantization = Quantization(INT8, rounded, np.zeros(layer.channels, np.int32), axis)
    return WeightCodes(weights, quantization, bias)
