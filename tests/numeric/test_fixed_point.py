"""The fixed-point functions against real ones, and their constants against their definitions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from hwq.numeric import fixed_point

ONE = 1 << 31


def _nearest(x: float) -> int:
    return math.floor(x + 0.5)


def test_constants_are_the_nearest_fixed_point_numbers() -> None:
    assert tuple(_nearest(math.exp(-(2.0**k)) * ONE) for k in range(-2, 5)) == fixed_point._EXP_FACTORS
    assert _nearest(math.exp(-1 / 8) * ONE) == fixed_point._EXP_MINUS_EIGHTH
    assert _nearest(ONE / 3) == fixed_point._ONE_THIRD
    assert _nearest(48 / 17 * (1 << 29)) == fixed_point._48_OVER_17
    assert _nearest(-32 / 17 * (1 << 29)) == fixed_point._MINUS_32_OVER_17


@pytest.mark.parametrize("seed", range(3))
def test_products_and_quotients_round_as_named(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for a, b in rng.integers(-(1 << 31), 1 << 31, (300, 2)).tolist():
        exact = Fraction(a * b, ONE)
        assert fixed_point.high_multiply(a, b) == math.floor(exact + Fraction(1, 2))
        for exponent in (0, 1, 7, 31):
            real = Fraction(a, 1 << exponent)
            away = math.floor(abs(real) + Fraction(1, 2))
            assert fixed_point.divide(a, exponent) == (away if a >= 0 else -away)
    assert fixed_point.high_multiply(-ONE, -ONE) == ONE - 1
    assert fixed_point.shift_left(1 << 30, 1) == ONE - 1 and fixed_point.shift_left(-ONE, 3) == -ONE


@pytest.mark.parametrize("integer_bits", [3, 4, 5])
def test_functions_are_near_the_real_ones(integer_bits: int) -> None:
    """Within a thousand units of 2^-31: what the polynomial and three Newton steps leave."""
    rng = np.random.default_rng(integer_bits)
    unit = 1 << (31 - integer_bits)
    for a in [0, -1, -unit, 1 - ONE, *(-rng.integers(0, ONE, 200)).tolist()]:
        assert fixed_point.exp_of_negative(a, integer_bits) == pytest.approx(math.exp(a / unit) * ONE, abs=1000)
        if integer_bits < 5:
            for x in (a, -a):
                assert fixed_point.logistic(x, integer_bits) == pytest.approx(ONE / (1 + math.exp(-x / unit)), abs=1000)
                assert fixed_point.tanh(x, integer_bits) == pytest.approx(math.tanh(x / unit) * ONE, abs=1000)
    for x in [1, 2, ONE - 1, *rng.integers(1, ONE, 200).tolist()]:
        mantissa, shift = fixed_point.reciprocal(x, integer_bits)
        assert mantissa / ONE / 2.0**shift == pytest.approx(unit / x, rel=1e-8)
