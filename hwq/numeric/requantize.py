"""Requantization: from accumulators to output codes under a named contract (docs/spec/numerics.md, N.4)."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwq.errors import ConfigError
from hwq.numeric.rounding import Rounding, shift_right


class Contract(StrEnum):
    """How an accumulator is scaled and rounded."""

    DOUBLE = "double"
    """Two integer roundings, half up then half away from zero: TFLite Micro, LiteRT's reference kernels."""

    UP2 = "up2"
    """Two integer roundings, both half up: LiteRT's optimized kernels."""

    SINGLE = "single"
    """One integer rounding, half up: TFLite's single-rounding build."""

    PLAIN = "plain"
    """A multiplier, an addition and one right shift, widths and rounding chosen: PULP's and many DSP designs."""

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
    """``(a * multiplier + 2^30) >> 31`` for 32-bit ``a`` and multipliers from 0 to 2^31 - 1.

    gemmlowp saturates the one product out of range, that of -2^31 with itself. Multipliers are never negative, so it
    cannot occur here.
    """
    return (a * multiplier + (1 << 30)) >> 31


def divide_by_power_of_two(x: NDArray[np.int64], exponent: NDArray[np.int64]) -> NDArray[np.int64]:
    """``x / 2 ** exponent``, halves away from zero."""
    return shift_right(x, exponent, Rounding.HALF_AWAY)


def requantize(
    accumulator: ArrayLike, multiplier: ArrayLike, shift: ArrayLike, contract: Contract = Contract.DOUBLE
) -> NDArray[np.int64]:
    """Scale accumulators by ``multiplier * 2 ** (shift - 31)`` under an integer contract.

    Parameters
    ----------
    accumulator:
        32-bit values, any shape; the last axis broadcasts against the channels of ``multiplier`` and ``shift``.
    multiplier, shift:
        From `quantize_multiplier`; ``shift`` at most 30. DOUBLE and UP2 wrap an accumulator that the shift to the left
        takes out of 32 bits.
    contract:
        DOUBLE, UP2 or SINGLE.

    Returns
    -------
    int64, before zero-point and clamp.
    """
    x = np.asarray(accumulator, dtype=np.int64)
    m, s = np.asarray(multiplier, dtype=np.int64), np.asarray(shift, dtype=np.int64)
    if contract is Contract.SINGLE:
        return shift_right(x * m, 31 - s, Rounding.HALF_UP)
    high = doubling_high_multiply(wrap32(x << np.maximum(s, 0)), m)
    right = np.maximum(-s, 0)
    if contract is Contract.DOUBLE:
        return divide_by_power_of_two(high, right)
    if contract is Contract.UP2:
        return shift_right(high, right, Rounding.HALF_UP)
    raise ValueError(f"{contract} is not an integer contract with a multiplier")


def quantize_shift(scale: float) -> int:
    """``scale`` as ``2 ** -bits``.

    Raises
    ------
    ConfigError
        When ``scale`` is not a positive power of two.
    """
    mantissa, exponent = math.frexp(scale)
    if mantissa != 0.5:
        raise ConfigError(f"scale: must be a power of two under contract shift, not {scale!r}")
    return 1 - exponent


def requantize_shift(accumulator: ArrayLike, bits: ArrayLike, rounding: Rounding) -> NDArray[np.int64]:
    """Scale accumulators by ``2 ** -bits``: contract SHIFT.

    Parameters
    ----------
    accumulator:
        Integers of less than 63 bits, any shape; the last axis broadcasts against the channels of ``bits``.
    bits:
        From `quantize_shift`. Negative bits scale up, exactly: 64 bits must hold the result.
    rounding:
        What happens to the bits dropped.

    Returns
    -------
    int64, before zero-point and clamp.
    """
    x, right = np.asarray(accumulator, dtype=np.int64), np.asarray(bits, dtype=np.int64)
    # Of less than 63 bits, 63 dropped ones leave what any larger number of them does.
    return shift_right(x << np.maximum(-right, 0), np.clip(right, 0, 63), rounding)


def requantize_float(accumulator: ArrayLike, scale: ArrayLike, contract: Contract) -> NDArray[np.int64]:
    """Scale accumulators by a float under a contract that computes in floats. For comparison, not for hardware.

    Parameters
    ----------
    accumulator:
        32-bit values, any shape; the last axis broadcasts against the channels of ``scale``.
    scale:
        float64; FP32HE rounds it to float32.
    contract:
        F64AWAY or FP32HE.

    Returns
    -------
    int64, before zero-point and clamp; limited to +-2^62. XNNPACK clamps before it rounds, which gives the same codes,
    since its bounds are integers.
    """
    x = np.asarray(accumulator, dtype=np.int64)
    factor = np.asarray(scale, dtype=np.float64)
    if contract is Contract.FP32HE:
        rounded = np.rint((x.astype(np.float32) * factor.astype(np.float32)).astype(np.float64))
    elif contract is Contract.F64AWAY:
        real = x.astype(np.float64) * factor
        whole = np.trunc(real)
        # Not floor(real + 0.5): that sum rounds, and takes the float below 0.5 to 1.
        rounded = whole + np.copysign(np.abs(real - whole) >= 0.5, real)
    else:
        raise ValueError(f"{contract} does not compute in floats")
    return np.clip(rounded, -(2.0**62), 2.0**62).astype(np.int64)
