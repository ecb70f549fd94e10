"""Requantization records: bias, multiplier and shift of each output channel as the hardware holds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import InputZeroPoint
from hwq.numeric.requantize import quantize_multiplier
from hwq.schedule.geometry import Convolution
from hwq.schedule.plan import ConvPlan


def effective_bias(convolution: Convolution, accelerator: Accelerator) -> NDArray[np.int64]:
    """Bias of each output channel, int64 [channels out], wrapped to 32 bits; a folded zero-point is in it."""
    c = convolution
    bias = c.bias
    if accelerator.arithmetic.input_zero_point is InputZeroPoint.FOLDED:
        bias = bias - c.input_zero_point * c.weights.sum(axis=(1, 2, 3))
    return (bias + 2**31) % 2**32 - 2**31


def channel_records(plan: ConvPlan) -> list[dict[str, int]]:
    """Fields of the record of every channel of every block; channels that do not exist are all zero."""
    return records_of([plan.convolution], plan.accelerator, plan.blocks * plan.accelerator.array.columns)


def records_of(groups: Sequence[Convolution], accelerator: Accelerator, count: int) -> list[dict[str, int]]:
    """Fields of the records of the channels of ``groups``, in their order, and zeros up to ``count`` records."""
    records = []
    for group in groups:
        bias = effective_bias(group, accelerator)
        if accelerator.begins_with_bias:
            bias = accelerator.accumulation.initial(bias)
        values = (bias, *quantize_multiplier(group.scales))
        records += [
            {"bias": int(bias), "multiplier": int(multiplier), "shift": int(shift)}
            for bias, multiplier, shift in zip(*values, strict=True)
        ]
    return records + [{"bias": 0, "multiplier": 0, "shift": 0}] * (count - len(records))
