"""What becomes of integers outside a format (docs/spec/numerics.md, N.3)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from hwq.numeric.formats import IntFormat


class Overflow(StrEnum):
    """How values outside a format enter it; in brackets the names in ap_fixed and ac_fixed."""

    WRAP = "wrap"
    """Modulo 2^width (WRAP)."""

    SATURATE = "saturate"
    """The nearest value of the format (SAT)."""

    SATURATE_SYMMETRIC = "saturate_symmetric"
    """As SATURATE, but without a signed format's lowest value, -2^(width-1), even where that is in (SAT_SYM).

    Of a single signed bit, -1 and 0, both stay.
    """

    SATURATE_TO_ZERO = "saturate_to_zero"
    """0 (SAT_ZERO)."""


@overload
def fit(x: int, target: IntFormat, overflow: Overflow) -> int: ...
@overload
def fit(x: NDArray[Any], target: IntFormat, overflow: Overflow) -> NDArray[Any]: ...
def fit(x: int | NDArray[Any], target: IntFormat, overflow: Overflow) -> int | NDArray[Any]:
    """``x`` as values of ``target``.

    Parameters
    ----------
    x:
        A Python int of any size, or integers (or object: Python ints) of any shape.
    target:
        The format.
    overflow:
        What becomes of values that ``target`` does not hold.

    Returns
    -------
    int, or int64 of the same shape (uint64 where the format is unsigned of 64 bits).

    Raises
    ------
    ValueError
        When ``x`` is not of integers.
    """
    overflow = Overflow(overflow)
    if isinstance(x, int):
        return int(fit(np.array(x, dtype=object), target, overflow))
    if x.dtype.kind not in "iuO":
        raise ValueError(f"x: must be integers, not {x.dtype}")
    wide = x if x.dtype == object else x.astype(np.uint64 if x.dtype.kind == "u" else np.int64)
    result = np.uint64 if target.width == 64 and not target.signed else np.int64
    if overflow is Overflow.WRAP:
        return np.asarray(_wrap(wide, target)).astype(result)
    low, high = target.min, target.max
    if overflow is Overflow.SATURATE_SYMMETRIC and target.signed and target.width > 1:
        low = -high
    if wide.dtype != object:
        # Bounds beyond the type are out of reach of its values, and NumPy before 2 would compare with them as floats.
        limits = np.iinfo(wide.dtype)
        low, high = max(low, limits.min), min(high, limits.max)
    below, above = wide < low, wide > high
    if overflow is Overflow.SATURATE_TO_ZERO:
        return np.where(below | above, 0, wide).astype(result)
    return np.where(below, low, np.where(above, high, wide)).astype(result)


def _wrap(x: NDArray[Any], target: IntFormat) -> NDArray[Any]:
    if x.dtype == object:
        mask = (1 << target.width) - 1
        sign = (target.max + 1) * target.signed
        return np.asarray(((x & mask) ^ sign) - sign)
    # The sign bit goes to the top and comes back with its copies: shifts lose bits but never overflow.
    spare = 64 - target.width
    top = x.astype(np.uint64) << np.uint64(spare)
    return np.asarray(top.astype(np.int64 if target.signed else np.uint64) >> spare)
