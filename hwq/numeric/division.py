"""Division by a count, as average pooling and mean do it (docs/spec/numerics.md, N.7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwq.numeric.requantize import quantize_multiplier


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


def division_multiplier(count: int) -> tuple[int, int]:
    """(multiplier, shift) by which contract ``double`` divides ``sum * 2^8`` as `divide_half_away` divides ``sum``.

    Exact for counts to 2^16 and every sum of as many int8 codes. 1 / count is rounded up: the outer rounding then sees
    ties as such, and no other quotient is near enough to one to be taken for it.
    """
    exponent = count.bit_length() - 1
    multiplier = -(-(1 << 31 + exponent) // count)
    if multiplier == 1 << 31:
        return 1 << 30, -(7 + exponent)
    return multiplier, -(8 + exponent)


def mean_multiplier(scale: float, count: int) -> tuple[int, int]:
    """(multiplier, shift) by which TFLite's mean scales a sum of ``count`` codes; ``scale`` is input by output scale.

    The division goes into the multiplier, whose precision it costs.
    """
    multiplier, shift = quantize_multiplier(scale)
    spare = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << spare) // count, shift - spare
