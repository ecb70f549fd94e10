"""Functions of int8 codes as tables: output codes, and exponentials of softmax (docs/spec/operators.md, O.6, O.7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Activation, ActivationKind, Softmax
from hwq.graph.requantization import activation_clamp
from hwq.graph.tensors import Quantization
from hwq.numeric import fixed_point
from hwq.numeric.requantize import Contract, divide_by_power_of_two, quantize_multiplier, requantize

Codes = NDArray[np.int64]

#: Logistic and tanh take their argument as Q4.27.
_INTEGER_BITS = 4

#: Integer bits of the differences from the maximum that softmax takes the exponential of (Q5.26).
_DIFFERENCE_BITS = 5


def input_codes(quantization: Quantization) -> Codes:
    """Every code of the format, lowest first, int64."""
    return np.arange(quantization.format.min, quantization.format.max + 1, dtype=np.int64)


def requantization_table(source: Quantization, target: Quantization, contract: Contract) -> NDArray[np.integer]:
    """Table of a change of scale, zero-point or format."""
    x = input_codes(source) - int(source.zero_point[0])
    scale = float(source.scale[0]) / float(target.scale[0])
    return _finish(requantize(x, *quantize_multiplier(scale), contract), target)


def activation_table(
    layer: Activation, source: Quantization, target: Quantization, contract: Contract
) -> NDArray[np.integer]:
    """Table of an activation that stands as a layer of its own."""
    x = input_codes(source) - int(source.zero_point[0])
    if layer.kind is ActivationKind.LOGISTIC:
        return _finish(_sigmoid_like(x, source, contract, logistic=True), target)
    if layer.kind is ActivationKind.TANH:
        return _finish(_sigmoid_like(x, source, contract, logistic=False), target)
    if layer.kind is ActivationKind.HARD_SWISH:
        return _finish(_hard_swish(x, source, target), target)
    ratio = np.float32(source.scale[0]) / np.float32(target.scale[0])
    y = requantize(x, *quantize_multiplier(float(ratio)), contract)
    if layer.kind is ActivationKind.LEAKY_RELU:
        slope = np.float32(source.scale[0]) * np.float32(layer.alpha) / np.float32(target.scale[0])
        below = requantize(x, *quantize_multiplier(float(slope)), contract)
        return _finish(np.where(x >= 0, y, below), target)
    return _finish(y, target, activation_clamp(layer.kind, target))


def byte_table(table: NDArray[np.integer], source: Quantization) -> NDArray[np.integer]:
    """A table of every number that a code's byte holds, lowest first, [256]: 0 for those that are no codes."""
    whole = np.zeros(256, table.dtype)
    first = source.format.min + 128 * source.format.signed
    whole[first : first + len(table)] = table
    return whole


def softmax_exponentials(layer: Softmax, source: Quantization) -> NDArray[np.int64]:
    """Q0.31 exponential of minus the index, a difference of codes; 0 where it is too large to count; int64 [256]."""
    factor = min(layer.beta * float(source.scale[0]) * 2.0 ** (31 - _DIFFERENCE_BITS), 2.0**31 - 1)
    multiplier, shift = quantize_multiplier(factor)
    radius = int(((1 << _DIFFERENCE_BITS) - 1) * 2.0 ** (31 - _DIFFERENCE_BITS) / 2.0**shift)
    exponentials = np.zeros(256, np.int64)
    for difference in range(min(radius, 255) + 1):
        scaled = fixed_point.high_multiply(-difference << shift, multiplier)
        exponentials[difference] = fixed_point.exp_of_negative(scaled, _DIFFERENCE_BITS)
    return exponentials


def xnnpack_requantization_table(source: Quantization, target: Quantization) -> NDArray[np.integer]:
    """`requantization_table` as XNNPACK computes it."""
    x = input_codes(source) - int(source.zero_point[0])
    return _finish(_coarse_product(x, source.scale[0] / target.scale[0]), target)


def xnnpack_activation_table(layer: Activation, source: Quantization, target: Quantization) -> NDArray[np.integer]:
    """`activation_table` as XNNPACK computes it: the slope of LEAKY_RELU is its own, the rest as everywhere."""
    if layer.kind is not ActivationKind.LEAKY_RELU:
        return activation_table(layer, source, target, Contract.DOUBLE)
    x = input_codes(source) - int(source.zero_point[0])
    ratio = source.scale[0] / target.scale[0]
    below = _coarse_product(x, ratio * np.float32(layer.alpha))
    return _finish(np.where(x >= 0, _coarse_product(x, ratio), below), target)


def _coarse_product(x: Codes, factor: np.float32) -> Codes:
    """``x * factor`` with 8 fraction bits of the factor, halves up."""
    return (x * int(np.rint(np.float32(256) * factor)) + 128) >> 8


def _finish(y: Codes, target: Quantization, clamp: tuple[int, int] | None = None) -> NDArray[np.integer]:
    low, high = clamp or (target.format.min, target.format.max)
    return np.clip(y + int(target.zero_point[0]), low, high).astype(target.format.dtype)


def _sigmoid_like(x: Codes, source: Quantization, contract: Contract, *, logistic: bool) -> Codes:
    """Codes before the zero-point of logistic (8 fraction bits) or tanh (7); saturated beyond the argument's range."""
    multiplier, shift = quantize_multiplier(float(np.float64(source.scale[0]) * (1 << (31 - _INTEGER_BITS))))
    largest = ((1 << _INTEGER_BITS) - 1) * 2.0 ** (31 - _INTEGER_BITS) / 2.0**shift
    radius = int(np.floor(largest))
    inside = np.clip(x, -radius, radius)
    argument = requantize(inside, multiplier, shift, contract)
    function, fraction_bits = (fixed_point.logistic, 8) if logistic else (fixed_point.tanh, 7)
    low, high = (0, 255) if logistic else (-128, 127)
    raw = [function(int(a), _INTEGER_BITS) for a in argument]
    y = np.array([fixed_point.divide(value, 31 - fraction_bits) for value in raw])
    return np.where(x <= -radius, low, np.where(x >= radius, high, y))


def _int16(x: Codes) -> Codes:
    return np.clip(x, -(1 << 15), (1 << 15) - 1)


def _multiplier16(scale: np.float32) -> tuple[int, int]:
    multiplier, shift = quantize_multiplier(float(scale))
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1), shift


def _hard_swish(x: Codes, source: Quantization, target: Quantization) -> Codes:
    """``x * relu6(x + 3) / 6`` in 16-bit fixed point: the input with 7 more bits, the gate in units of 3 / 2^15."""
    fine_scale = np.float32(1 / 128) * source.scale[0]
    output_multiplier, output_shift = _multiplier16(fine_scale / target.scale[0])
    gate_multiplier, gate_shift = _multiplier16(fine_scale / np.float32(3.0 / 32768.0))
    fine = x << 7
    value = _int16((fine * output_multiplier + (1 << 14)) >> 15)
    gate = fine
    if gate_shift > 0:
        gate = _int16(gate << (gate_shift - 1))
    gate = _int16((gate * gate_multiplier + (1 << 14)) >> 15)
    if gate_shift > 0:
        gate = _int16(gate << 1)
    elif gate_shift < 0:
        gate = divide_by_power_of_two(gate, np.asarray(-gate_shift, np.int64))
    gate = (gate + (1 << 15)) >> 1
    product = gate * value
    high = np.sign(product) * (np.abs(product) >> 15)
    if output_shift > 0:
        return _int16(high << output_shift)
    return divide_by_power_of_two(high, np.asarray(-output_shift, np.int64))
