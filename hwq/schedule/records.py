"""Requantization records: bias, multiplier and shift of each output channel as the hardware holds them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwq.arch.parameters import InputZeroPoint
from hwq.numeric.requantize import quantize_multiplier
from hwq.schedule.plan import ConvPlan


def effective_bias(plan: ConvPlan) -> NDArray[np.int64]:
    """Bias of each output channel, int64 [channels out], wrapped to 32 bits; a folded zero-point is in it."""
    c = plan.convolution
    bias = c.bias
    if plan.accelerator.arithmetic.input_zero_point is InputZeroPoint.FOLDED:
        bias = bias - c.input_zero_point * c.weights.sum(axis=(1, 2, 3))
    return (bias + 2**31) % 2**32 - 2**31


def channel_records(plan: ConvPlan) -> list[dict[str, int]]:
    """Fields of the record of every channel of every block; channels that do not exist are all zero."""
    c, a = plan.convolution, plan.accelerator
    multipliers, shifts = quantize_multiplier(c.scales)
    bias = effective_bias(plan)
    records = [
        {"bias": int(b), "multiplier": int(m), "shift": int(s)}
        for b, m, s in zip(bias, multipliers, shifts, strict=True)
    ]
    missing = plan.blocks * a.array.columns - c.channels_out
    return records + [{"bias": 0, "multiplier": 0, "shift": 0}] * missing
