"""Requantization records: bias, multiplier and shift of each output channel as the hardware holds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hwq.arch.accelerator import Accelerator
from hwq.numeric.requantization import OutputOverflow
from hwq.numeric.requantize import Contract
from hwq.schedule.geometry import Convolution
from hwq.schedule.plan import ConvPlan


def effective_bias(convolution: Convolution, accelerator: Accelerator) -> NDArray[np.int64]:
    """Bias of each output channel, int64 [channels out], wrapped to 32 bits; a folded zero-point is in it."""
    c = convolution
    bias = c.bias
    if not accelerator.subtracted:
        bias = bias - c.input_zero_point * c.weights.sum(axis=(1, 2, 3))
    return (bias + 2**31) % 2**32 - 2**31


def channel_records(plan: ConvPlan) -> list[dict[str, int]]:
    """Fields of the record of every channel of every block; channels that do not exist are all zero."""
    return records_of([plan.convolution], plan.accelerator, plan.blocks * plan.accelerator.array.columns)


def records_of(groups: Sequence[Convolution], accelerator: Accelerator, count: int) -> list[dict[str, int]]:
    """Fields of the records of the channels of ``groups``, in their order, and zeros up to ``count`` records.

    Raises
    ------
    ConfigError
        A scale or a bias that the contract's records do not hold.
    """
    spec, records = accelerator.requantization, []
    for group in groups:
        bias = effective_bias(group, accelerator)
        after = 0 if accelerator.begins_with_bias else bias
        fields = dict(spec.encode(group.scales, after, group.away))
        if accelerator.begins_with_bias:
            fields[spec.bias_field] = accelerator.accumulation.initial(bias)
        columns = [values.tolist() for values in fields.values()]
        records += [dict(zip(fields, values, strict=True)) for values in zip(*columns, strict=True)]
    return records + [dict.fromkeys(accelerator.record.fields, 0)] * (count - len(records))


def fixed_record(accelerator: Accelerator, bias: int, multiplier: int, shift: int) -> dict[str, int]:
    """The record of an engine that does not accumulate, given as contract ``double`` has it.

    Contracts other than ``double`` and ``up2`` hold powers of two alone: a multiplier of 2^30.
    """
    contract = accelerator.arithmetic.contract
    if contract is Contract.UP2:
        return {"bias": bias, "multiplier": multiplier, "shift": shift, "away": 1}
    if contract in (Contract.DOUBLE, Contract.SINGLE):
        return {"bias": bias, "multiplier": multiplier, "shift": shift}
    assert multiplier == 1 << 30
    if contract is Contract.SHIFT:
        return {"bias": bias, "shift": shift - 1}
    return {"add": bias, "multiplier": 1, "right": 1 - shift}


def scales_freely(accelerator: Accelerator) -> bool:
    """Whether averages, changes of scale and sums of tensors are proven under the contract."""
    return accelerator.arithmetic.contract in (Contract.DOUBLE, Contract.UP2)


def clamp_fields(clamp: tuple[int, int], accelerator: Accelerator) -> dict[str, int]:
    """Fields of a descriptor for the range of a layer's codes; the lowest code is out where output saturates so."""
    low, high = clamp
    if accelerator.requantization.output_overflow is OutputOverflow.SATURATE_SYMMETRIC:
        low = max(low, accelerator.activation.min + 1)
    return {"low": low, "high": max(low, high)}
