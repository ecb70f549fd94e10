"""Accumulation of one output in Python integers, written from docs/spec/numerics.md alone; it imports nothing of hwq.

Emulator and hardware share the definition and the schedule; this model shares neither.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction


def scalar_sum(
    products: Sequence[int],
    passes: Sequence[int],
    *,
    psum_bits: int | None,
    accumulator_bits: int,
    overflow: str,
    granularity: str,
    truncate: int = 0,
    rounding: str = "floor",
    bias: int = 0,
) -> tuple[int, int, int]:
    """(sum, psum events, accumulator events); ``bias`` is what the accumulator begins with, before it is truncated."""
    psum_events = accumulator_events = 0
    total, _ = _fitted(_truncated(bias, truncate, rounding), accumulator_bits, overflow)
    left = [_truncated(product, truncate, rounding) for product in products]
    for length in passes:
        now, left = left[:length], left[length:]
        if granularity == "mac":
            for product in now:
                total, event = _fitted(total + product, accumulator_bits, overflow)
                accumulator_events += event
        else:
            psum = sum(now)
            if psum_bits is not None:
                psum, event = _fitted(psum, psum_bits, overflow)
                psum_events += event
            total, event = _fitted(total + psum, accumulator_bits, overflow)
            accumulator_events += event
    assert not left
    return total, psum_events, accumulator_events


def _fitted(value: int, bits: int, overflow: str) -> tuple[int, bool]:
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if overflow == "saturate_symmetric":
        lowest = -highest
    if lowest <= value <= highest:
        return value, False
    if overflow == "wrap":
        wrapped = value % 2**bits
        return wrapped - 2**bits if wrapped > highest else wrapped, True
    return (lowest if value < lowest else highest), True


def _truncated(value: int, bits: int, rounding: str) -> int:
    if bits == 0:
        return value
    exact = Fraction(value, 2**bits)
    below, above = math.floor(exact), math.ceil(exact)
    if below == above:
        return below
    nearer_zero, farther = (below, above) if value > 0 else (above, below)
    even, odd = (below, above) if below % 2 == 0 else (above, below)
    if rounding == "floor":
        return below
    if rounding == "toward_zero":
        return nearer_zero
    if exact - below != Fraction(1, 2):
        return below if exact - below < Fraction(1, 2) else above
    return {
        "half_up": above,
        "half_down": below,
        "half_toward_zero": nearer_zero,
        "half_away": farther,
        "half_even": even,
        "half_odd": odd,
    }[rounding]
