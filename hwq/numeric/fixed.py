"""Conversion between fixed-point formats, and from real numbers (docs/spec/numerics.md, N.1 to N.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwq.errors import DataError
from hwq.numeric.formats import FixedFormat
from hwq.numeric.overflow import Overflow, fit
from hwq.numeric.rounding import Rounding, shift_right

#: Bits of a float64's significand.
_SIGNIFICAND = 53


def convert(
    codes: ArrayLike,
    source: FixedFormat,
    target: FixedFormat,
    rounding: Rounding = Rounding.FLOOR,
    overflow: Overflow = Overflow.WRAP,
) -> NDArray[Any]:
    """Codes of one fixed-point format as codes of another: rounded first, then fitted.

    Parameters
    ----------
    codes:
        Integers of any shape, all of them in ``source``.
    source, target:
        The formats.
    rounding, overflow:
        The defaults are those of the C++ types.

    Returns
    -------
    int64 of the same shape (uint64 where ``target`` is unsigned of 64 bits).

    Raises
    ------
    DataError
        When a code is not in ``source``.
    """
    x = np.asarray(codes)
    if not source.codes.contains(x):
        raise DataError(f"codes: must be from {source.codes.min} to {source.codes.max}, as {source.codes} holds them")
    dropped = source.fraction_bits - target.fraction_bits
    # 63 bits and a sign: what shifts cannot leave; everything beyond is computed on Python ints.
    native = source.width + max(-dropped, 0) <= 63 and dropped <= 63
    wide = x.astype(np.int64 if native else object)
    return fit(np.asarray(_scaled(wide, dropped, rounding)), target.codes, overflow)


def quantize(
    values: ArrayLike,
    target: FixedFormat,
    rounding: Rounding = Rounding.HALF_EVEN,
    overflow: Overflow = Overflow.SATURATE,
) -> NDArray[Any]:
    """Codes of real numbers: exactly rounded, however large or small they are.

    Parameters
    ----------
    values:
        float64 of any shape, finite.
    target:
        The format.
    rounding, overflow:
        Rounding comes first.

    Returns
    -------
    int64 of the same shape (uint64 where ``target`` is unsigned of 64 bits).

    Raises
    ------
    DataError
        When a value is not finite.
    """
    x = np.asarray(values, dtype=np.float64)
    if not np.isfinite(x).all():
        raise DataError("values: must be finite, not infinite or NaN")
    fractions, exponents = np.frexp(x)
    significands = np.ldexp(fractions, _SIGNIFICAND).astype(np.int64)
    dropped = _SIGNIFICAND - exponents.astype(np.int64) - target.fraction_bits
    if (dropped >= _SIGNIFICAND - 63).all():
        # 63 dropped bits leave as little of 53 as any larger number of them.
        rounded = shift_right(significands << np.maximum(-dropped, 0), np.clip(dropped, 0, 63), rounding)
        return fit(rounded, target.codes, overflow)
    pairs = zip(significands.flat, dropped.flat, strict=True)
    exact = [_scaled(int(significand), int(bits), rounding) for significand, bits in pairs]
    return fit(np.array(exact, dtype=object).reshape(x.shape), target.codes, overflow)


def _scaled(x: Any, dropped: int, rounding: Rounding) -> Any:
    """``x / 2 ** dropped``; negative ``dropped`` appends zeros."""
    return x << -dropped if dropped < 0 else shift_right(x, dropped, rounding)
