"""Rounding of right shifts."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal, signed

from hwq.gateware.nets import net


def half_away(m: Module, value: Signal, right: Any, most: int) -> Signal:
    """What a shift to the right, which rounds down, makes ``value / 2^right``, halves away from zero.

    That is half a unit up, and one less where ``value`` is negative. ``right`` is at most ``most``; 0 changes nothing.
    """
    half = Cat(right == i + 1 for i in range(most))
    less = net(m, "less", value[-1] & right.any(), 1)
    return net(m, "nudge", value + half - less, signed(max(len(value), most + 1) + 1))
