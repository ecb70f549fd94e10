"""ADD's constants and sums, and pooling's division, restated with fractions (docs/spec/numerics.md, N.6, N.7)."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwq.numeric.add import add, add_parameters, add_term
from hwq.numeric.division import divide_half_away


def up(x: Fraction) -> int:
    return math.floor(x + Fraction(1, 2))


def away(x: Fraction) -> int:
    return up(x) if x >= 0 else -up(-x)


def constants(scale: float) -> tuple[int, int]:
    mantissa, shift = math.frexp(scale)
    multiplier = up(Fraction(mantissa) * 2**31)
    return (multiplier, shift) if multiplier < 2**31 else (2**30, shift + 1)


def scaled(x: int, scale: float) -> int:
    multiplier, shift = constants(scale)
    high = up(Fraction((x << max(shift, 0)) * multiplier, 2**31))
    return away(Fraction(high, 2 ** max(-shift, 0)))


def expected(x: int, y: int, first: float, second: float, output: float) -> int:
    twice = 2 * max(first, second)
    total = scaled(x * 2**20, first / twice) + scaled(y * 2**20, second / twice)
    return scaled(total, twice / (2**20 * output))


def test_constants() -> None:
    parameters = add_parameters(0.5, 0.25, 0.75)
    assert parameters.first == (2**30, 0)  # 0.5 / 1
    assert parameters.second == (2**30, -1)  # 0.25 / 1
    # 1 / (2^20 * 0.75) is 2/3 * 2^-19.
    assert parameters.output == (1431655765, -19)
    assert add_term([2, -3], parameters.first).tolist() == [2**20, -3 * 2**19]
    assert add([2], [-3], parameters).tolist() == [0]  # 2 * 0.5 - 3 * 0.25 = 0.25, a third of the output's scale
    assert add([3], [-3], parameters).tolist() == [1]


@pytest.mark.parametrize(
    ("first", "second", "output"),
    [(0.5, 0.25, 0.75), (0.0235, 0.0471, 0.051), (1.0, 2.0**-9, 1.0), (0.1, 0.1, 0.1), (0.037, 0.9, 0.021)],
)
def test_sums(first: float, second: float, output: float) -> None:
    parameters = add_parameters(first, second, output)
    x, y = np.arange(-255, 256, 15), np.arange(-255, 256, 17)
    found = add(x[:, None], y, parameters)
    assert found.tolist() == [[expected(int(a), int(b), first, second, output) for b in y] for a in x]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(-255, 255), st.integers(-255, 255), *[st.floats(2.0**-9, 2.0**-3)] * 3)
def test_any_sum(x: int, y: int, first: float, second: float, output: float) -> None:
    assert int(add(x, y, add_parameters(first, second, output))) == expected(x, y, first, second, output)


def test_division() -> None:
    x = np.arange(-130, 131)
    for count in range(1, 27):
        assert divide_half_away(x, count).tolist() == [away(Fraction(int(v), count)) for v in x]


def test_division_of_wide_values() -> None:
    x = np.array([2**61 - 1, -(2**61) + 1, 2**60, -(2**60)])
    for count in (1, 2, 3, 2**31 - 1, 2**61 - 1):
        assert divide_half_away(x, count).tolist() == [away(Fraction(int(v), count)) for v in x]


@pytest.mark.parametrize("count", [0, -3])
def test_division_by_no_count(count: int) -> None:
    with pytest.raises(ValueError, match=f"must be positive, not {count}"):
        divide_half_away(5, [1, count])
