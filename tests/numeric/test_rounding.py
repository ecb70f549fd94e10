"""Rounding at full width and at halves, against exact fractions and APyTypes."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import apytypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwq.numeric.rounding import Rounding, shift_right

HALF = Fraction(1, 2)


def _to_nearest(choose: Callable[[int, int], int]) -> Callable[[Fraction], int]:
    """To nearest, where ``choose`` picks from the lower and upper neighbor of a half."""

    def rounded(x: Fraction) -> int:
        low = math.floor(x)
        return choose(low, low + 1) if x - low == HALF else min(low, low + 1, key=lambda y: abs(x - y))

    return rounded


#: Each rounding as its name says it.
DEFINITIONS: dict[Rounding, Callable[[Fraction], int]] = {
    Rounding.FLOOR: math.floor,
    Rounding.TOWARD_ZERO: math.trunc,
    Rounding.HALF_UP: _to_nearest(max),
    Rounding.HALF_TOWARD_ZERO: _to_nearest(lambda *neighbors: min(neighbors, key=abs)),
    Rounding.HALF_DOWN: _to_nearest(min),
    Rounding.HALF_AWAY: _to_nearest(lambda *neighbors: max(neighbors, key=abs)),
    Rounding.HALF_EVEN: _to_nearest(lambda *neighbors: min(neighbors, key=lambda y: y % 2)),
    Rounding.HALF_ODD: _to_nearest(lambda *neighbors: max(neighbors, key=lambda y: y % 2)),
}

APYTYPES = {
    Rounding.FLOOR: apytypes.QuantizationMode.TO_NEG,
    Rounding.TOWARD_ZERO: apytypes.QuantizationMode.TO_ZERO,
    Rounding.HALF_UP: apytypes.QuantizationMode.TIES_POS,
    Rounding.HALF_TOWARD_ZERO: apytypes.QuantizationMode.TIES_ZERO,
    Rounding.HALF_DOWN: apytypes.QuantizationMode.TIES_NEG,
    Rounding.HALF_AWAY: apytypes.QuantizationMode.TIES_AWAY,
    Rounding.HALF_EVEN: apytypes.QuantizationMode.TIES_EVEN,
    Rounding.HALF_ODD: apytypes.QuantizationMode.TIES_ODD,
}

#: What rounds a sum with the half wrong, and what lies around the ends of the types.
EDGES = [-(2**63), -(2**63) + 1, -(2**62), -3, -2, -1, 0, 1, 2, 3, 2**62, 2**63 - 2, 2**63 - 1]


def _exact(x: int, bits: int, rounding: Rounding) -> int:
    return DEFINITIONS[rounding](Fraction(x, 2**bits))


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("bits", [0, 1, 2, 3, 7])
def test_every_code_of_ten_bits(rounding: Rounding, bits: int) -> None:
    codes = np.arange(-512, 512)
    exact = [_exact(int(x), bits, rounding) for x in codes]
    assert shift_right(codes, bits, rounding).tolist() == exact
    assert [shift_right(int(x), bits, rounding) for x in codes] == exact
    assert shift_right(np.arange(1024, dtype=np.uint64), bits, rounding).tolist() == [
        _exact(x, bits, rounding) for x in range(1024)
    ]


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("bits", [1, 2, 3, 7])
def test_every_code_of_ten_bits_as_apytypes(rounding: Rounding, bits: int) -> None:
    codes = np.arange(-512, 512)
    array = apytypes.APyFixedArray(codes.tolist(), bits=10, frac_bits=bits)
    cast = array.cast(int_bits=12, frac_bits=0, quantization=APYTYPES[rounding])
    assert shift_right(codes, bits, rounding).tolist() == cast.to_numpy().astype(int).tolist()


@pytest.mark.parametrize("rounding", Rounding)
def test_ends_of_the_types(rounding: Rounding) -> None:
    codes, bits = np.array(EDGES, dtype=np.int64)[:, None], np.arange(64)
    exact = [[_exact(x, d, rounding) for d in range(64)] for x in EDGES]
    assert shift_right(codes, bits, rounding).tolist() == exact
    unsigned = [0, 1, 2, 3, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1]
    exact = [[_exact(x, d, rounding) for d in range(64)] for x in unsigned]
    assert shift_right(np.array(unsigned, dtype=np.uint64)[:, None], bits, rounding).tolist() == exact


@pytest.mark.parametrize("rounding", Rounding)
@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    x=st.integers(-(2**63), 2**63 - 1)
    | st.builds(lambda q, d: (2 * q + 1) << d, st.integers(-99, 99), st.integers(0, 54)),
    bits=st.integers(0, 63),
)
def test_full_width(rounding: Rounding, x: int, bits: int) -> None:
    exact = _exact(x, bits, rounding)
    assert shift_right(x, bits, rounding) == exact
    assert shift_right(np.array([x]), bits, rounding).tolist() == [exact]
    assert shift_right(np.array([x]), np.array([bits]), rounding).tolist() == [exact]


@pytest.mark.parametrize("rounding", Rounding)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(x=st.integers(-(2**200), 2**200), bits=st.integers(0, 210))
def test_any_width(rounding: Rounding, x: int, bits: int) -> None:
    exact = _exact(x, bits, rounding)
    assert shift_right(x, bits, rounding) == exact
    assert shift_right(np.array([x], dtype=object), bits, rounding).tolist() == [exact]


def test_refuses_what_it_cannot_round_exactly() -> None:
    with pytest.raises(ValueError, match="must not be negative, not -1"):
        shift_right(5, -1, Rounding.FLOOR)
    with pytest.raises(ValueError, match="from 0 to 63, not 64 to 64"):
        shift_right(np.array([5]), 64, Rounding.FLOOR)
    with pytest.raises(ValueError, match="from 0 to 63, not -2 to 3"):
        shift_right(np.array([5, 5]), np.array([-2, 3]), Rounding.FLOOR)
    for wrong in (np.array([5], dtype=np.int32), np.array([5.0])):
        with pytest.raises(ValueError, match="int64, uint64 or object, not"):
            shift_right(wrong, 1, Rounding.FLOOR)
    with pytest.raises(ValueError, match="nearest"):
        shift_right(5, 1, "nearest")  # type: ignore[call-overload]
