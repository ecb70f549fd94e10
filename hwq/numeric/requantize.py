"""Requantization: from accumulators to output codes under a named contract (docs/spec/numerics.md, N.4)."""

from __future__ import annotations

import math
from enum import Enum
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Contract(str, Enum):
    """How an accumulator is scaled and rounded."""

    DOUBLE = "double"
    """Two integer roundings, half up then half away from zero: TFLite Micro, LiteRT's reference kernels."""

    UP2 = "up2"
    """Two integer roundings, both half up: LiteRT's optimized kernels."""

    SINGLE = "single"
    """One integer rounding, half up: TFLite's single-rounding build."""

    SHIFT = "shift"
    """A right shift with a chosen rounding; scales are powers of two."""

    F64AWAY = "f64away"
    """double precision product, half away from zero: LiteRT's reference dense kernel. Comparison only."""

    FP32HE = "fp32he"
    """float32 product, half to even: XNNPACK. Comparison only."""


def _multiplier_of(scale: float) -> tuple[int, int]:
    if scale == 0:
        return 0, 0
    mantissa, shift = math.frexp(scale)
    multiplier = math.floor(mantissa * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


@overload
def quantize_multiplier(scale: float) -> tuple[int, int]: ...
@overload
def quantize_multiplier(scale: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
def quantize_multiplier(scale):  # type: ignore[no-untyped-def]
    """``scale`` as ``multiplier * 2 ** (shift - 31)``, multiplier 2^30 to 2^31 - 1, or (0, 0) below 2^-32.

    Parameters
    ----------
    scale:
        Non-negative; a float, or float64 of any shape.

    Returns
    -------
    (multiplier, shift), ints or int64 of the same shape.
    """
    if isinstance(scale, float | int):
        return _multiplier_of(float(scale))
    flat = [_multiplier_of(float(s)) for s in np.asarray(scale, dtype=np.float64).reshape(-1)]
    shape = np.shape(scale)
    return (
        np.array([m for m, _ in flat], dtype=np.int64).reshape(shape),
        np.array([s for _, s in flat], dtype=np.int64).reshape(shape),
    )


def wrap32(x: NDArray[np.int64]) -> NDArray[np.int64]:
    """``x`` modulo 2^32, as a signed 32-bit value."""
    return x.astype(np.int32, casting="unsafe").astype(np.int64)


def doubling_high_multiply(a: NDArray[np.int64], multiplier: NDArray[np.int64]) -> NDArray[np.int64]:
    """``(a * multiplier + 2^30) >> 31`` for 32-bit ``a`` and multipliers from 0 to 2^31 - 1."""
    return (a * multiplier + (1 << 30)) >> 31


def divide_by_power_of_two(x: NDArray[np.int64], exponent: NDArray[np.int64]) -> NDArray[np.int64]:
    """``x / 2 ** exponent``, halves away from zero; exponents 0 to 31."""
    half = (np.int64(1) << exponent) >> 1
    return (x + half - ((x < 0) & (exponent > 0))) >> exponent


def requantize(
    accumulator: ArrayLike, multiplier: ArrayLike, shift: ArrayLike, contract: Contract = Contract.DOUBLE
) -> NDArray[np.int64]:
    """Scale accumulators by ``multiplier * 2 ** (shift - 31)`` under an integer contract.

    Parameters
    ----------
    accumulator:
        32-bit values, any shape; the last axis broadcasts against the channels of ``multiplier`` and ``shift``.
    multiplier, shift:
        From `quantize_multiplier`.
    contract:
        DOUBLE, UP2 or SINGLE.

    Returns
    -------
    int64, before zero-point and clamp.
    """
    x = np.asarray(accumulator, dtype=np.int64)
    m, s = np.asarray(multiplier, dtype=np.int64), np.asarray(shift, dtype=np.int64)
    left, right = np.maximum(s, 0), np.maximum(-s, 0)
    if contract is Contract.SINGLE:
        total = 31 - s
        return (x * m + (np.int64(1) << (total - 1))) >> total
    high = doubling_high_multiply(wrap32(x << left), m)
    if contract is Contract.DOUBLE:
        return divide_by_power_of_two(high, right)
    if contract is Contract.UP2:
        return (high + ((np.int64(1) << right) >> 1)) >> right
    raise ValueError(f"{contract} is not an integer contract with a multiplier")
