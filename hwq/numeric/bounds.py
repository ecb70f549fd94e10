"""Bounds of accumulators, from the real weights (docs/spec/numerics.md, N.5)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.numeric.accumulation import EXACT, Accumulation
from hwq.numeric.formats import IntFormat


def accumulator_bounds(weights: NDArray[np.integer], low: int, high: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Tight bounds of ``sum(w * x)`` and of its partial sums, in any order, for each channel.

    With 0 in [low, high] a partial sum is a full sum whose other operands are 0, and so it is covered; an interval
    without 0 is widened to hold it.

    Parameters
    ----------
    weights:
        Integer [channels, n].
    low, high:
        Range of the operands, inclusive.

    Returns
    -------
    int64 [channels] twice: lowest and highest value. Python integers in arrays of objects if 64 bits might not hold
    them.
    """
    low, high = min(low, 0), max(high, 0)
    wide = _summable(weights, low, high)
    positive = np.maximum(wide, 0).sum(axis=1)
    negative = np.minimum(wide, 0).sum(axis=1)
    return positive * low + negative * high, positive * high + negative * low


def sum_bounds(
    weights: NDArray[np.integer], low: int, high: int, accumulation: Accumulation
) -> tuple[NDArray[Any], NDArray[Any]]:
    """`accumulator_bounds` of products that are truncated before they are added.

    Rounding keeps order, so that a product's extremes are those of its operand.
    """
    if not accumulation.truncate:
        return accumulator_bounds(weights, low, high)
    wide = _summable(weights, low, high).astype(np.int64)
    ends = [accumulation.product(wide * end) for end in (min(low, 0), max(high, 0))]
    return np.minimum(*ends).sum(axis=1), np.maximum(*ends).sum(axis=1)


def operand_range(codes: IntFormat, zero_point: int, subtracted: bool) -> tuple[int, int]:
    """Lowest and highest operand of a multiplication: of ``codes``, or with ``subtracted`` of codes less zero-point.

    Padding is in it: it is the zero-point, or 0.
    """
    return (codes.min - zero_point, codes.max - zero_point) if subtracted else (codes.min, codes.max)


def accumulator_bits(
    weights: NDArray[np.integer], operands: tuple[int, int], accumulation: Accumulation = EXACT
) -> int:
    """Bits that hold every partial sum of every channel, in any order.

    Parameters
    ----------
    weights:
        Integer [channels, n].
    operands:
        Their range, from `operand_range`.
    accumulation:
        How products are truncated.
    """
    low, high = sum_bounds(weights, *operands, accumulation)
    return signed_bits(int(np.min(low)), int(np.max(high)))


def magnitude_bound(weights: NDArray[np.integer], low: int, high: int) -> NDArray[Any]:
    """Largest ``sum(|w * x|)`` of each channel.

    While it is at most 2^24, a float32 product of the integers is exact in any order of summation; while it is at most
    2^53, a float64 product.

    Parameters
    ----------
    weights:
        Integer [channels, n].
    low, high:
        Range of the operands, inclusive.

    Returns
    -------
    int64 [channels]; Python integers in an array of objects if 64 bits might not hold them.
    """
    wide = _summable(weights, low, high)
    return np.asarray(np.abs(wide).sum(axis=1) * max(abs(low), abs(high)))


def _summable(weights: NDArray[np.integer], low: int, high: int) -> NDArray[Any]:
    """``weights`` in a type that holds every sum of their products with operands in [low, high]."""
    values = np.asarray(weights)
    largest = max(abs(int(values.min())), abs(int(values.max()))) if values.size else 0
    reach = max(abs(low), abs(high), 1)
    return values.astype(np.int64 if largest * reach * values.shape[1] < 1 << 63 else object)


def code_bits(weights: NDArray[np.integer], signs: bool) -> int:
    """Bits of the codes of weights.

    They are two's complement, but for 1 bit, which is -1 or 1; ``signs`` allows that: no place beside the weights has
    to hold 0.
    """
    if signs and (np.abs(weights) == 1).all():
        return 1
    return max(2, signed_bits(int(weights.min()), int(weights.max())))


def signed_bits(low: int, high: int) -> int:
    """Bits of the narrowest two's complement format that holds [low, high]."""
    return max((value if value >= 0 else ~value).bit_length() for value in (low, high)) + 1
