"""Whether planned convolutions fit the accelerator's widths; memories are checked where addresses are given out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from hwq.arch.accelerator import Accelerator
from hwq.numeric import bounds
from hwq.numeric.accumulation import SumOverflow
from hwq.numeric.bounds import code_bits, signed_bits
from hwq.numeric.requantize import Contract, quantize_multiplier
from hwq.schedule.geometry import Convolution
from hwq.schedule.plan import ConvPlan
from hwq.schedule.records import effective_bias

#: Most layers that a message names.
_MOST_NAMES = 3


def accumulator_bits(plan: ConvPlan) -> int:
    """Bits that hold every partial sum of every output channel, in any order."""
    return sum_bits(plan.convolution, plan.accelerator)


def sum_bits(convolution: Convolution, accelerator: Accelerator) -> int:
    """Bits that hold every partial sum of every output channel, in any order; the bias too where sums begin with it."""
    rows = convolution.weights.reshape(convolution.channels_out, -1)
    low, high = bounds.sum_bounds(rows, *_operands(convolution, accelerator), accelerator.accumulation)
    if accelerator.begins_with_bias:
        start = accelerator.accumulation.product(effective_bias(convolution, accelerator))
        low, high = low + start, high + start
    return signed_bits(int(np.min(low)), int(np.max(high)))


def psum_bits(plan: ConvPlan) -> int:
    """Bits that hold every partial sum inside the array, pass by pass."""
    rows, columns = plan.accelerator.array.rows, plan.accelerator.array.columns
    passes = plan.tiled_weights().reshape(-1, rows, columns).transpose(0, 2, 1).reshape(-1, rows)
    return bounds.accumulator_bits(passes, _operands(plan.convolution, plan.accelerator), plan.accelerator.accumulation)


def _operands(convolution: Convolution, accelerator: Accelerator) -> tuple[int, int]:
    """Lowest and highest operand that a layer's weights can meet, padding included."""
    return bounds.operand_range(convolution.input_format, convolution.input_zero_point, accelerator.subtracted)


def width_faults(plans: Sequence[ConvPlan]) -> list[str]:
    """Why the layers' numbers could leave the chosen widths: one fault for each parameter, raised far enough for all.

    Parameters
    ----------
    plans:
        Of any number of layers, on one accelerator.
    """
    if not plans:
        return []
    a = plans[0].accelerator
    checks = [("weights", "arithmetic.weight_bits", a.arithmetic.weight_bits, weight_bits)]
    if a.arithmetic.overflow is SumOverflow.REFUSE:
        if a.arithmetic.psum_bits is not None:
            # Where nobody chose it, it follows from weight_bits and holds whatever weights those hold.
            checks.insert(0, ("sums in the array", "arithmetic.psum_bits", a.psum_bits, psum_bits))
        checks.insert(0, ("sums", "arithmetic.accumulator_bits", a.arithmetic.accumulator_bits, accumulator_bits))
    faults = [
        _fault(plans, need, have, parameter, f"{what} need {{need}} bits and {parameter} is {have}")
        for what, parameter, have, need in checks
    ]
    most = a.requantizer.max_left_shift
    text = f"scales need a shift to the left by {{need}} bits and the requantizer shifts by at most {most}"
    faults.append(
        _fault(plans, lambda plan: left_shift([plan.convolution], a), most, "requantizer.max_left_shift", text)
    )
    return [fault for fault in faults if fault]


def weight_bits(plan: ConvPlan) -> int:
    """Bits of a layer's weights in memory."""
    a, c = plan.accelerator, plan.convolution
    # Rows of the array beyond a run multiply what passes them, columns beyond the last channel may count overflows.
    rows_idle = plan.run % a.array.rows and not a.subtracted and c.input_zero_point
    columns_idle = c.channels_out % a.array.columns and a.may_overflow
    return code_bits(c.weights, signs=not rows_idle and not columns_idle)


def left_shift(groups: Sequence[Convolution], accelerator: Accelerator) -> int:
    """Bits by which sums are shifted to the left before they are scaled: none where the contract has no such shift."""
    contract = accelerator.arithmetic.contract
    scale = max(float(group.scales.max()) for group in groups)
    if contract in (Contract.DOUBLE, Contract.UP2):
        return quantize_multiplier(scale)[1]
    # Of a power of two; whether scales are is told when the records are made.
    return math.frexp(scale)[1] - 1 if contract is Contract.SHIFT else 0


def _fault(plans: Sequence[ConvPlan], needs: Callable[[ConvPlan], int], have: int, parameter: str, text: str) -> str:
    """What is wrong where a layer needs more than ``have``: the layers that need most, and how many do not fit."""
    by_layer: dict[str, int] = {}
    for plan in plans:
        name = plan.convolution.layer
        by_layer[name] = max(needs(plan), by_layer.get(name, 0))
    short = [name for name, need in by_layer.items() if need > have]
    if not short:
        return ""
    need = max(by_layer.values())
    worst = [name for name in short if by_layer[name] == need]
    named = ", ".join(worst[:_MOST_NAMES]) + (f" and {len(worst) - _MOST_NAMES} more" * (len(worst) > _MOST_NAMES))
    subject = f"layer {named}: its" if len(worst) == 1 else f"layers {named}: their"
    others = len(short) - len(worst)
    too = f" ({others} more {'layer does' if others == 1 else 'layers do'} not fit either)" if others else ""
    return f"{subject} {text.format(need=need)}{too}; raise {parameter} to {need}"
