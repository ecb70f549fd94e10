"""gemmlowp's fixed-point functions, bit for bit: exponential, reciprocal, logistic, tanh (docs/spec/numerics.md, N.6).

Values are the raw integers of signed 32-bit fixed point, held in int64 arrays; ``Qi.f`` has i integer and f fraction
bits, i + f = 31.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Raw = NDArray[np.int64]

_MAX = (1 << 31) - 1
_MIN = -(1 << 31)

#: exp(-2^k) in Q0.31 for k = -2..4, as gemmlowp rounds them.
_EXP_FACTORS = {-2: 1672461947, -1: 1302514674, 0: 790015084, 1: 290630308, 2: 39332535, 3: 720401, 4: 242}
_EXP_MINUS_EIGHTH = 1895147668
_ONE_THIRD = 715827883
_48_OVER_17 = 1515870810
_MINUS_32_OVER_17 = -1010580540
_ONE_Q2 = 1 << 29


def high_multiply(a: Raw, b: Raw | int) -> Raw:
    """``round(a * b / 2^31)``, halves up, saturated where both are -2^31."""
    return np.minimum((a * b + (1 << 30)) >> 31, _MAX)


def divide(x: Raw, exponent: NDArray[np.int64] | int) -> Raw:
    """``x / 2 ** exponent``, halves away from zero."""
    e = np.asarray(exponent, dtype=np.int64)
    half = (np.int64(1) << e) >> 1
    return (x + half - ((x < 0) & (e > 0))) >> e


def shift_left(x: Raw, bits: int) -> Raw:
    """``x * 2 ** bits`` saturated to 32 bits."""
    return np.clip(x << bits, _MIN, _MAX)


def _exp_on_last_quarter(a: Raw) -> Raw:
    """exp(a) for a in [-1/4, 0), Q0.31: the Taylor series around -1/8."""
    x = a + (1 << 28)
    x2 = high_multiply(x, x)
    x3 = high_multiply(x2, x)
    x4 = high_multiply(x2, x2)
    tail = divide(high_multiply(divide(x4, 2) + x3, _ONE_THIRD) + x2, 1)
    return _EXP_MINUS_EIGHTH + high_multiply(x + tail, _EXP_MINUS_EIGHTH)


def exp_of_negative(a: Raw, integer_bits: int) -> Raw:
    """exp(a) for a <= 0 in Q(integer_bits); the result is Q0.31.

    The fraction below a quarter goes through a series, every higher bit through one multiplication.
    """
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    fraction = (a & (quarter - 1)) - quarter
    result = _exp_on_last_quarter(shift_left(fraction, integer_bits))
    rest = fraction - a
    for exponent, factor in _EXP_FACTORS.items():
        if exponent < integer_bits:
            bit = 1 << (fraction_bits + exponent)
            result = np.where(rest & bit, high_multiply(result, factor), result)
    if integer_bits > 5:
        result = np.where(a < -(1 << (fraction_bits + 5)), 0, result)
    return np.where(a == 0, _MAX, result)


def _newton_reciprocal(a: Raw) -> Raw:
    """2 / (1 + a) for a in [0, 1] (Q0.31), in Q2.29: three Newton steps from a linear guess."""
    half_denominator = (a + _MAX + 1) >> 1
    x = _48_OVER_17 + high_multiply(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        error = _ONE_Q2 - high_multiply(half_denominator, x)
        x = x + shift_left(high_multiply(x, error), 2)
    return x


def one_over_one_plus(a: Raw) -> Raw:
    """1 / (1 + a) for a in [0, 1], Q0.31 to Q0.31."""
    return shift_left(_newton_reciprocal(a), 1)


def one_minus_over_one_plus(a: Raw) -> Raw:
    """(1 - a) / (1 + a) for a in [0, 1], Q0.31 to Q0.31."""
    return shift_left(_newton_reciprocal(a) - _ONE_Q2, 2)


def reciprocal(x: Raw, integer_bits: int) -> tuple[Raw, NDArray[np.int64]]:
    """1 / x for positive x in Q(integer_bits), as (mantissa Q0.31, right shift)."""
    # frexp is exact: 32-bit integers fit a double.
    length = np.frexp(x.astype(np.float64))[1].astype(np.int64)
    leading_zeros = 32 - length
    mantissa = one_over_one_plus((x << leading_zeros) - (1 << 31))
    return mantissa, integer_bits - leading_zeros


def logistic(a: Raw, integer_bits: int) -> Raw:
    """1 / (1 + exp(-a)), Q(integer_bits) to Q0.31."""
    positive = one_over_one_plus(exp_of_negative(-np.abs(a), integer_bits))
    return np.where(a == 0, 1 << 30, np.where(a > 0, positive, _MAX - positive))


def tanh(a: Raw, integer_bits: int) -> Raw:
    """tanh(a), Q(integer_bits) to Q0.31."""
    magnitude = one_minus_over_one_plus(exp_of_negative(-np.abs(a), integer_bits + 1))
    return np.where(a == 0, 0, np.where(a > 0, magnitude, -magnitude))
