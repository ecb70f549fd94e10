"""Division by a count, as average pooling does it (docs/spec/numerics.md, N.7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def divide_half_away(x: ArrayLike, divisor: ArrayLike) -> NDArray[np.int64]:
    """``x / divisor`` to the nearest integer, halves away from zero.

    Parameters
    ----------
    x:
        Integers of any shape and less than 62 bits.
    divisor:
        Positive, less than 62 bits; broadcasts against ``x``.

    Raises
    ------
    ValueError
        When a divisor is not positive.
    """
    dividend, count = np.asarray(x, dtype=np.int64), np.asarray(divisor, dtype=np.int64)
    if (count <= 0).any():
        raise ValueError(f"divisor: must be positive, not {int(count.min())}")
    return np.asarray(np.sign(dividend) * ((np.abs(dividend) + count // 2) // count))
