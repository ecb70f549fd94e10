"""A plot of every rounding and of every overflow, from the definitions that emulator and hardware follow."""

from __future__ import annotations

import itertools

from hwq.numeric.formats import IntFormat
from hwq.numeric.overflow import Overflow, fit
from hwq.numeric.rounding import Rounding, shift_right
from tests.docs.studies.svg import FAINT, Plot, drawing

_COLOR = "#0072b2"
_SHIFT = 4
"""Bits that are rounded away: a plot has 16 values from one integer to the next."""

_BITS = 4


def rounding() -> str:
    """Eight step functions; a filled dot is the value at a jump."""
    parts = []
    for number, mode in enumerate(Rounding):
        row, column = divmod(number, 4)
        plot = Plot(40 + 240 * column, 36 + 250 * row, 190, 190, (-2.75, 2.75), (-3.4, 3.4))
        plot.axes(mode.value, range(-2, 3), range(-3, 4))
        plot.line([(-2.75, -2.75), (2.75, 2.75)], FAINT, 1, "2 4")
        unit = 1 << _SHIFT
        codes = range(-11 * unit // 4, 11 * unit // 4 + 1)
        begin = codes[0] / unit
        for before, after in itertools.pairwise(codes):
            low, high = (shift_right(code, _SHIFT, mode) for code in (before, after))
            if low == high:
                continue
            # Values jump at an integer or in the middle, which belongs to one of the sides.
            owner = before if before % (unit // 2) == 0 else after
            at = owner / unit
            plot.line([(begin, low), (at, low)], _COLOR)
            plot.dot(at, low, _COLOR, hollow=owner == after)
            plot.dot(at, high, _COLOR, hollow=owner == before)
            begin = at
        last = shift_right(codes[-1], _SHIFT, mode)
        plot.line([(begin, last), (codes[-1] / unit, last)], _COLOR)
        parts += plot.parts
    return drawing(990, 520, "Step functions of the eight roundings, from -2.75 to 2.75", parts)


def overflow() -> str:
    """What a sum becomes in four bits."""
    parts = []
    codes = IntFormat(_BITS)
    for number, mode in enumerate(Overflow):
        plot = Plot(40 + 240 * number, 36, 190, 190, (-24, 24), (-10, 10))
        plot.axes(mode.value, range(-24, 25, 8), range(-8, 9, 4), "exact sum")
        plot.line([(-10, -10), (10, 10)], FAINT, 1, "2 4")
        for at in (codes.min, codes.max):
            plot.line([(at, -10), (at, 10)], FAINT, 1, "2 4")
        for sum_ in range(-24, 25):
            plot.dot(sum_, int(fit(sum_, codes, mode)), _COLOR, size=2)
        parts += plot.parts
    return drawing(990, 275, "What the four overflows make of sums from -24 to 24 in 4 bits", parts)
