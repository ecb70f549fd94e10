"""Shifts by powers of two, and their rounding."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, signed

from hwq.gateware.nets import net
from hwq.numeric.rounding import Rounding


def half_away(m: Module, value: Signal, right: Any, most: int, away: Any = None) -> Signal:
    """What a shift to the right, which rounds down, makes ``value / 2^right``, halves away from zero.

    That is half a unit up, and one less where ``value`` is negative, so that without ``away``, where there is such a
    flag, halves go up. ``right`` is at most ``most``; 0 changes nothing.
    """
    half = Cat(right == i + 1 for i in range(most))
    negative = value[-1] if away is None else value[-1] & away
    less = net(m, "less", negative & right.any(), 1)
    return net(m, "nudge", value + half - less, signed(max(len(value), most + 1) + 1))


def rounds_up(rounding: Rounding, *, negative: Any, guard: Any, sticky: Any, odd: Any) -> Any:
    """Whether a right shift gives the quotient's upper neighbor (docs/spec/numerics.md, N.2).

    Parameters
    ----------
    negative:
        Whether the value is.
    guard, sticky:
        The highest of the dropped bits, and whether any below it is 1.
    odd:
        The lowest bit of the quotient.
    """
    return {
        Rounding.FLOOR: Const(0, 1),
        Rounding.TOWARD_ZERO: negative & (guard | sticky),
        Rounding.HALF_UP: guard,
        Rounding.HALF_TOWARD_ZERO: guard & (sticky | negative),
        Rounding.HALF_DOWN: guard & sticky,
        Rounding.HALF_AWAY: guard & (sticky | ~negative),
        Rounding.HALF_EVEN: guard & (sticky | odd),
        Rounding.HALF_ODD: guard & (sticky | ~odd),
    }[rounding]


def shift_right(m: Module, name: str, value: Any, bits: int, rounding: Rounding) -> Any:
    """Signed ``value / 2^bits`` rounded to an integer, as nets of ``name``; without ``bits`` the value itself."""
    if bits == 0:
        return value
    if rounding is Rounding.FLOOR:
        # As a shift: of a named net the low bits would be read by nobody.
        return value >> bits
    exact = net(m, f"{name}_exact", value, value.shape())
    if bits >= len(exact):
        # Copies of the sign above, so that there is a quotient.
        exact = net(m, f"{name}_wide", exact, signed(bits + 1))
    quotient = exact[bits:].as_signed()
    up = rounds_up(rounding, negative=exact[-1], guard=exact[bits - 1], sticky=exact[: bits - 1].any(), odd=exact[bits])
    return net(m, f"{name}_rounded", quotient + net(m, f"{name}_up", up, 1), signed(len(quotient) + 1))


def shift_left(value: Any, bits: int) -> Any:
    """Signed ``value * 2^bits``: zeros below it; without ``bits`` the value itself."""
    return Cat(Const(0, bits), value).as_signed() if bits else value
