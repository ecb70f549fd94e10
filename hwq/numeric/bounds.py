"""Bounds of accumulators, from the real weights (docs/spec/numerics.md, N.5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def accumulator_bounds(
    weights: NDArray[np.integer], low: int, high: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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
    int64 [channels] twice: lowest and highest value.
    """
    wide = np.asarray(weights).astype(np.int64)
    low, high = min(low, 0), max(high, 0)
    positive = np.maximum(wide, 0).sum(axis=1)
    negative = np.minimum(wide, 0).sum(axis=1)
    return positive * low + negative * high, positive * high + negative * low


def signed_bits(low: int, high: int) -> int:
    """Bits of the narrowest two's complement format that holds [low, high]."""
    return max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0) + 1
