"""Rounding of integers to fewer bits (docs/spec/numerics.md, N.2)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

Integers = TypeVar("Integers", np.int64, np.uint64, np.object_)


class Rounding(StrEnum):
    """Which neighbor a value between two codes becomes; in brackets the names in ap_fixed and ac_fixed."""

    FLOOR = "floor"
    """The lower (TRN)."""

    TOWARD_ZERO = "toward_zero"
    """The one nearer to zero (TRN_ZERO)."""

    HALF_UP = "half_up"
    """The nearest, the upper in the middle (RND)."""

    HALF_TOWARD_ZERO = "half_toward_zero"
    """The nearest, the one nearer to zero in the middle (RND_ZERO)."""

    HALF_DOWN = "half_down"
    """The nearest, the lower in the middle (RND_MIN_INF)."""

    HALF_AWAY = "half_away"
    """The nearest, the one farther from zero in the middle (RND_INF)."""

    HALF_EVEN = "half_even"
    """The nearest, the even one in the middle (RND_CONV)."""

    HALF_ODD = "half_odd"
    """The nearest, the odd one in the middle (ac_fixed's RND_CONV_ODD)."""


@overload
def shift_right(x: int, bits: int, rounding: Rounding) -> int: ...
@overload
def shift_right(x: NDArray[Integers], bits: int | NDArray[Any], rounding: Rounding) -> NDArray[Integers]: ...
def shift_right(x: int | NDArray[Any], bits: int | NDArray[Any], rounding: Rounding) -> int | NDArray[Any]:
    """``x / 2 ** bits``, rounded to an integer; exact for every argument, since nothing is added before the shift.

    Parameters
    ----------
    x:
        A Python int of any size, or int64, uint64 or object (Python ints) of any shape.
    bits:
        Not negative, and at most 63 unless ``x`` is Python ints; an int, or an array that broadcasts against ``x``.
    rounding:
        What becomes of the dropped bits.

    Returns
    -------
    int, or an array of the type of ``x``.

    Raises
    ------
    ValueError
        When ``bits`` is out of range, or ``x`` is of another type.
    """
    rounding = Rounding(rounding)
    if isinstance(x, int) and isinstance(bits, int):
        if bits < 0:
            raise ValueError(f"bits: must not be negative, not {bits}")
        quotient = x >> bits
        return int(quotient + _rounds_up(x, quotient, x - (quotient << bits), 1 << max(bits - 1, 0), rounding))
    values, dropped = np.asarray(x), np.asarray(bits)
    if values.dtype.name not in ("int64", "uint64", "object"):
        raise ValueError(f"x: must be int64, uint64 or object, not {values.dtype}")
    if dropped.size and (dropped.min() < 0 or (values.dtype != np.object_ and dropped.max() > 63)):
        raise ValueError(f"bits: must be from 0 to 63, not {dropped.min()} to {dropped.max()}")
    dropped = dropped.astype(values.dtype)
    quotients = values >> dropped
    # Without dropped bits the remainder is 0 and the half, taken as 1, is out of its reach.
    one = np.ones_like(dropped)
    half = one << (np.maximum(dropped, one) - one)
    return np.asarray(quotients + _rounds_up(values, quotients, values - (quotients << dropped), half, rounding))


def _rounds_up(x: Any, quotient: Any, remainder: Any, half: Any, rounding: Rounding) -> Any:
    """Whether the result is the quotient's upper neighbor, element by element; for ints and arrays alike."""
    if rounding is Rounding.FLOOR:
        return quotient != quotient
    if rounding is Rounding.TOWARD_ZERO:
        return (x < 0) & (remainder != 0)
    above, middle = remainder > half, remainder == half
    if rounding is Rounding.HALF_UP:
        return above | middle
    if rounding is Rounding.HALF_DOWN:
        return above
    if rounding is Rounding.HALF_TOWARD_ZERO:
        return above | (middle & (x < 0))
    if rounding is Rounding.HALF_AWAY:
        return above | (middle & (x >= 0))
    return above | (middle & (quotient & 1 == (rounding is Rounding.HALF_EVEN)))
