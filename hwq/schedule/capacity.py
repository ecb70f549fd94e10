"""Whether a planned convolution fits the accelerator's widths; memories are checked where addresses are given out."""

from __future__ import annotations

import numpy as np

from hwq.arch.parameters import InputZeroPoint
from hwq.numeric.bounds import accumulator_bounds, signed_bits
from hwq.numeric.requantize import quantize_multiplier
from hwq.schedule.plan import ConvPlan


def operand_range(plan: ConvPlan) -> tuple[int, int]:
    """Lowest and highest operand a PE can meet in this layer, padding included."""
    a, zero_point = plan.accelerator, plan.convolution.input_zero_point
    low, high = a.activation.min, a.activation.max
    if a.arithmetic.input_zero_point is InputZeroPoint.SUBTRACTED:
        return low - zero_point, high - zero_point
    return low, high


def accumulator_bits(plan: ConvPlan) -> int:
    """Bits that hold every partial sum of every output channel, in any order."""
    weights = plan.convolution.weights.reshape(plan.convolution.channels_out, -1)
    low, high = accumulator_bounds(weights, *operand_range(plan))
    return signed_bits(int(np.min(low)), int(np.max(high)))


def psum_bits(plan: ConvPlan) -> int:
    """Bits that hold every partial sum inside the array, pass by pass."""
    rows, columns = plan.accelerator.array.rows, plan.accelerator.array.columns
    passes = plan.weight_image().reshape(-1, rows, columns).transpose(0, 2, 1).reshape(-1, rows)
    low, high = accumulator_bounds(passes, *operand_range(plan))
    return signed_bits(int(np.min(low)), int(np.max(high)))


def width_faults(plan: ConvPlan) -> list[str]:
    """Why the layer's numbers could leave the chosen widths, each fault naming the parameter to raise."""
    a, layer = plan.accelerator, plan.convolution.layer
    faults = [
        f"layer {layer}: its sums need {need} bits and {parameter} is {have}; raise {parameter} to {need}"
        for parameter, have, need in (
            ("arithmetic.accumulator_bits", a.arithmetic.accumulator_bits, accumulator_bits(plan)),
            ("arithmetic.psum_bits", a.psum_bits, psum_bits(plan)),
        )
        if have < need
    ]
    weights = plan.convolution.weights
    if not a.weight.contains(weights):
        need = signed_bits(int(weights.min()), int(weights.max()))
        have = a.weight.width
        faults.append(
            f"layer {layer}: its weights need {need} bits and arithmetic.weight_bits is {have}; raise "
            f"arithmetic.weight_bits to {need}"
        )
    left, most = int(np.max(quantize_multiplier(plan.convolution.scales)[1])), a.requantizer.max_left_shift
    if left > most:
        faults.append(
            f"layer {layer}: the requantizer shifts left by at most {most} bits and the layer's scales need {left}; "
            f"raise requantizer.max_left_shift to {left}"
        )
    return faults
