"""Requantization against the formulas of docs/spec/numerics.md (N.4), restated with exact fractions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwq.errors import ConfigError
from hwq.numeric.requantize import (
    Contract,
    quantize_multiplier,
    quantize_shift,
    requantize,
    requantize_float,
    requantize_shift,
)
from hwq.numeric.rounding import Rounding

HALF = Fraction(1, 2)


def up(x: Fraction) -> int:
    return math.floor(x + HALF)


def away(x: Fraction) -> int:
    return up(x) if x >= 0 else -up(-x)


#: Each rounding of an exact fraction; Python's own `round` takes halves to even.
ROUND: dict[Rounding, Callable[[Fraction], int]] = {
    Rounding.FLOOR: math.floor,
    Rounding.TOWARD_ZERO: math.trunc,
    Rounding.HALF_UP: up,
    Rounding.HALF_TOWARD_ZERO: lambda x: -math.floor(HALF - x) if x >= 0 else math.floor(x + HALF),
    Rounding.HALF_DOWN: lambda x: math.ceil(x - HALF),
    Rounding.HALF_AWAY: away,
    Rounding.HALF_EVEN: round,
    Rounding.HALF_ODD: lambda x: round(x + 1) - 1,
}


def to_float32(x: Fraction) -> Fraction:
    """``x`` to 24 significant bits, halves to even."""
    if x == 0:
        return x
    exponent = math.floor(math.log2(abs(x))) - 23
    while abs(x) >= Fraction(2) ** (exponent + 24):
        exponent += 1
    while abs(x) < Fraction(2) ** (exponent + 23):
        exponent -= 1
    unit = Fraction(2) ** exponent
    return round(x / unit) * unit


def wrapped(x: int) -> int:
    return (x + 2**31) % 2**32 - 2**31


def expected(contract: Contract, acc: int, multiplier: int, shift: int) -> int:
    """The formulas of N.4; for the contracts with floats the scale is that of multiplier and shift."""
    scale = multiplier * Fraction(2) ** (shift - 31)
    if contract is Contract.F64AWAY:
        return away(Fraction(float(acc * scale)))
    if contract is Contract.FP32HE:
        return round(to_float32(to_float32(Fraction(acc)) * to_float32(scale)))
    if contract is Contract.SINGLE:
        return up(acc * scale)
    high = up(Fraction(wrapped(acc << max(shift, 0)) * multiplier, 2**31))
    rest = Fraction(high, 2 ** max(-shift, 0))
    return away(rest) if contract is Contract.DOUBLE else up(rest)


def found(contract: Contract, acc: int, multiplier: int, shift: int) -> int:
    if contract in (Contract.F64AWAY, Contract.FP32HE):
        return int(requantize_float(acc, multiplier * 2.0 ** (shift - 31), contract))
    return int(requantize(acc, multiplier, shift, contract))


SCALED = [Contract.DOUBLE, Contract.UP2, Contract.SINGLE, Contract.F64AWAY, Contract.FP32HE]

#: (accumulator, multiplier, shift): what each of SCALED makes of it.
PROBES = {
    # 0.5 and -0.5, exactly: halves up in one step, away, to even.
    (1, 2**30, 0): (1, 1, 1, 1, 0),
    (-1, 2**30, 0): (0, 0, 0, -1, 0),
    # 0.25 rounds to 0, but to 1 when it is first made 0.5, then 1.
    (1, 2**30, -1): (1, 1, 0, 0, 0),
    # -0.5 in two steps: the second one decides.
    (-2, 2**30, -1): (-1, 0, 0, -1, 0),
    (-6, 2**30, -1): (-2, -1, -1, -2, -2),
    # 2.5 and -1.5 to even.
    (5, 2**30, 0): (3, 3, 3, 3, 2),
    (-3, 2**30, 0): (-1, -1, -1, -2, -2),
    # An accumulator of 25 bits: float32 holds 24.
    (2**24 + 1, 2**30, 1): (2**24 + 1, 2**24 + 1, 2**24 + 1, 2**24 + 1, 2**24),
    # The shift to the left wraps.
    (2**30, 2**30, 1): (-(2**30), -(2**30), 2**30, 2**30, 2**30),
}


@pytest.mark.parametrize("probe", PROBES, ids=str)
def test_probe(probe: tuple[int, int, int]) -> None:
    assert tuple(found(contract, *probe) for contract in SCALED) == PROBES[probe]
    assert tuple(expected(contract, *probe) for contract in SCALED) == PROBES[probe]


@pytest.mark.parametrize(("a", "b"), list(itertools.combinations(range(len(SCALED)), 2)))
def test_probes_tell_each_pair_of_contracts_apart(a: int, b: int) -> None:
    assert any(results[a] != results[b] for results in PROBES.values())


@pytest.mark.parametrize("contract", SCALED)
@pytest.mark.parametrize("shift", [-31, -8, -2, -1, 0, 1, 5])
@pytest.mark.parametrize("multiplier", [2**30, 2**30 + 2**24, 3 * 2**29 + 1, 2**31 - 1])
def test_all_small_accumulators(contract: Contract, shift: int, multiplier: int) -> None:
    accumulators = np.arange(-200, 201)
    if contract in (Contract.F64AWAY, Contract.FP32HE):
        ours = requantize_float(accumulators, multiplier * 2.0 ** (shift - 31), contract)
    else:
        ours = requantize(accumulators, multiplier, shift, contract)
    assert ours.tolist() == [expected(contract, int(acc), multiplier, shift) for acc in accumulators]


@pytest.mark.parametrize("contract", SCALED)
@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    acc=st.integers(-(2**31), 2**31 - 1) | st.sampled_from([-(2**31), 2**31 - 1, -(2**30), 2**30]),
    multiplier=st.integers(2**30, 2**31 - 1) | st.sampled_from([0, 2**30, 2**31 - 1]),
    shift=st.integers(-31, 30),
)
def test_full_width(contract: Contract, acc: int, multiplier: int, shift: int) -> None:
    assert found(contract, acc, multiplier, shift) == expected(contract, acc, multiplier, shift)


@pytest.mark.parametrize("contract", SCALED)
@settings(max_examples=200, deadline=None, derandomize=True)
@given(quotient=st.integers(-200, 200), bits=st.integers(0, 20), offset=st.integers(-1, 1))
def test_at_and_beside_halves(contract: Contract, quotient: int, bits: int, offset: int) -> None:
    acc = (2 * quotient + 1) * 2**bits // 2 + offset
    assert found(contract, acc, 2**30, 1 - bits) == expected(contract, acc, 2**30, 1 - bits)


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(st.floats(2.0**-40, 2.0**20, allow_nan=False) | st.integers(-40, 20).map(lambda e: 2.0**e * (1 - 2.0**-33)))
def test_multiplier(scale: float) -> None:
    multiplier, shift = quantize_multiplier(scale)
    exact = Fraction(scale)
    if multiplier == 0:
        assert shift == 0
        assert exact < Fraction(2**31, 2**63)
        return
    assert 2**30 <= multiplier < 2**31
    assert shift >= -31
    unit = Fraction(2) ** (shift - 31)
    # A scale that rounds up to the next power of two was rounded in units of half the size.
    assert multiplier == away(exact / unit) or (multiplier == 2**30 and away(2 * exact / unit) == 2**31)


def test_multiplier_of_small_and_round_scales() -> None:
    assert quantize_multiplier(0.0) == (0, 0)
    assert quantize_multiplier(1.0) == (2**30, 1)
    assert quantize_multiplier(2.0**-32) == (2**30, -31)
    assert quantize_multiplier(np.nextafter(2.0**-32, 0)) == (2**30, -31)
    assert quantize_multiplier(2.0**-32 * (1 - 2.0**-20)) == (0, 0)
    assert quantize_multiplier(1 - 2.0**-33) == (2**30, 1)
    assert quantize_multiplier(0.5 + 2.0**-32) == (2**30 + 1, 0), "a half goes up"
    assert quantize_multiplier(0.5 + 2.0**-32 - 2.0**-53) == (2**30, 0)
    multiplier, shift = quantize_multiplier(np.array([[0.5, 0.75], [3.0, 0.0]]))
    assert multiplier.tolist() == [[2**30, 3 * 2**29], [3 * 2**29, 0]]
    assert shift.tolist() == [[0, 0], [2, 0]]


@pytest.mark.parametrize("contract", [Contract.DOUBLE, Contract.UP2, Contract.SINGLE])
def test_channels_broadcast_over_the_last_axis(contract: Contract) -> None:
    accumulators = np.arange(-30, 30).reshape(5, 4, 3)
    multiplier, shift = np.array([2**30, 2**30 + 7, 2**31 - 1]), np.array([-2, 0, 3])
    ours = requantize(accumulators, multiplier, shift, contract)
    assert ours.dtype == np.int64
    for index in np.ndindex(5, 4, 3):
        c = index[2]
        assert ours[index] == expected(contract, int(accumulators[index]), int(multiplier[c]), int(shift[c]))


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("bits", [-3, 0, 1, 2, 5, 40, 63, 70])
def test_shift(rounding: Rounding, bits: int) -> None:
    accumulators = np.concatenate([np.arange(-70, 71), [-(2**47), 2**47 - 1, -(2**39), 2**39, 3 * 2**39]])
    ours = requantize_shift(accumulators, bits, rounding)
    assert ours.tolist() == [ROUND[rounding](Fraction(int(acc)) / Fraction(2) ** bits) for acc in accumulators]


def test_shift_of_a_scale() -> None:
    assert [quantize_shift(scale) for scale in (1.0, 0.5, 2.0**-31, 8.0)] == [0, 1, 31, -3]
    for scale in (0.3, 0.0, -0.5, math.inf, math.nan):
        with pytest.raises(ConfigError, match="must be a power of two"):
            quantize_shift(scale)


def test_float_below_one_half_rounds_to_zero() -> None:
    """Adding a half would make it 1, as the sum rounds."""
    scale = np.nextafter(0.5, 0)
    assert requantize_float([1, -1], scale, Contract.F64AWAY).tolist() == [0, 0]


def test_float_results_are_limited() -> None:
    for contract in (Contract.F64AWAY, Contract.FP32HE):
        assert requantize_float([2**31 - 1, -(2**31)], 2.0**60, contract).tolist() == [2**62, -(2**62)]


def test_exact_and_float_contracts_are_apart() -> None:
    for contract in (Contract.SHIFT, Contract.F64AWAY, Contract.FP32HE):
        with pytest.raises(ValueError, match="not an integer contract"):
            requantize(1, 2**30, 0, contract)
    for contract in (Contract.SHIFT, Contract.DOUBLE, Contract.UP2, Contract.SINGLE):
        with pytest.raises(ValueError, match="does not compute in floats"):
            requantize_float(1, 0.5, contract)
