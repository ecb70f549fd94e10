"""gemmlowp's fixed-point functions, bit for bit: exponential, reciprocal, logistic, tanh (docs/spec/operators.md, O.7).

Values are the raw integers of signed 32-bit fixed point, computed in int64; ``Qi.f`` has i integer and f fraction bits,
i + f = 31. The functions are compiled and take single numbers.
"""

from __future__ import annotations

from hwq.numeric.compiling import compiled

_MAX = (1 << 31) - 1
_MIN = -(1 << 31)

#: exp(-2^k) in Q0.31 for k = -2..4, as gemmlowp rounds them.
_EXP_FACTORS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
_EXP_MINUS_EIGHTH = 1895147668
_ONE_THIRD = 715827883
_48_OVER_17 = 1515870810
_MINUS_32_OVER_17 = -1010580540
_ONE_Q2 = 1 << 29


@compiled
def high_multiply(a: int, b: int) -> int:
    """``round(a * b / 2^31)``, halves up, saturated where both are -2^31."""
    return min((a * b + (1 << 30)) >> 31, _MAX)


@compiled
def divide(x: int, exponent: int) -> int:
    """``x / 2 ** exponent``, halves away from zero."""
    if exponent == 0:
        return x
    return (x + (1 << (exponent - 1)) - (1 if x < 0 else 0)) >> exponent


@compiled
def shift_left(x: int, bits: int) -> int:
    """``x * 2 ** bits`` saturated to 32 bits."""
    return min(max(x << bits, _MIN), _MAX)


@compiled
def _exp_on_last_quarter(a: int) -> int:
    """exp(a) for a in [-1/4, 0), Q0.31: the Taylor series around -1/8."""
    x = a + (1 << 28)
    x2 = high_multiply(x, x)
    x3 = high_multiply(x2, x)
    x4 = high_multiply(x2, x2)
    tail = divide(high_multiply(divide(x4, 2) + x3, _ONE_THIRD) + x2, 1)
    return _EXP_MINUS_EIGHTH + high_multiply(x + tail, _EXP_MINUS_EIGHTH)


@compiled
def exp_of_negative(a: int, integer_bits: int) -> int:
    """exp(a) for a <= 0 in Q(integer_bits), at most 5; the result is Q0.31.

    The fraction below a quarter goes through a series, every higher bit through one multiplication.
    """
    if a == 0:
        return _MAX
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    fraction = (a & (quarter - 1)) - quarter
    result = _exp_on_last_quarter(shift_left(fraction, integer_bits))
    rest = fraction - a
    for i in range(integer_bits + 2):
        if rest & (quarter << i):
            result = high_multiply(result, _EXP_FACTORS[i])
    return result


@compiled
def _newton_reciprocal(a: int) -> int:
    """2 / (1 + a) for a in [0, 1] (Q0.31), in Q2.29: three Newton steps from a linear guess."""
    half_denominator = (a + _MAX + 1) >> 1
    x = _48_OVER_17 + high_multiply(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        error = _ONE_Q2 - high_multiply(half_denominator, x)
        x = x + shift_left(high_multiply(x, error), 2)
    return x


@compiled
def one_over_one_plus(a: int) -> int:
    """1 / (1 + a) for a in [0, 1], Q0.31 to Q0.31."""
    return shift_left(_newton_reciprocal(a), 1)


@compiled
def one_minus_over_one_plus(a: int) -> int:
    """(1 - a) / (1 + a) for a in [0, 1], Q0.31 to Q0.31."""
    return shift_left(_newton_reciprocal(a) - _ONE_Q2, 2)


@compiled
def reciprocal(x: int, integer_bits: int) -> tuple[int, int]:
    """1 / x for positive x in Q(integer_bits), as (mantissa Q0.31, right shift)."""
    leading_zeros = 0
    while x << leading_zeros < 1 << 31:
        leading_zeros += 1
    return one_over_one_plus((x << leading_zeros) - (1 << 31)), integer_bits - leading_zeros


@compiled
def logistic(a: int, integer_bits: int) -> int:
    """1 / (1 + exp(-a)), Q(integer_bits) to Q0.31."""
    if a == 0:
        return 1 << 30
    positive = one_over_one_plus(exp_of_negative(-abs(a), integer_bits))
    return positive if a > 0 else _MAX - positive


@compiled
def tanh(a: int, integer_bits: int) -> int:
    """tanh(a), Q(integer_bits) to Q0.31."""
    if a == 0:
        return 0
    magnitude = one_minus_over_one_plus(exp_of_negative(-abs(a), integer_bits + 1))
    return magnitude if a > 0 else -magnitude
