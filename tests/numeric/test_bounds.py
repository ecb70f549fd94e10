"""Bounds of accumulators: against every input of small channels, and beyond 64 bits (docs/spec/numerics.md, N.5)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hwq.numeric.bounds import accumulator_bits, accumulator_bounds, magnitude_bound, operand_range, signed_bits
from hwq.numeric.formats import INT8

#: Signed, unsigned, with and without 0, and a single value.
RANGES = [(-2, 1), (0, 3), (-3, 0), (1, 2), (-2, -1), (2, 2), (0, 0)]


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("seed", range(4))
def test_bounds_are_reached_and_hold_every_partial_sum(low: int, high: int, seed: int) -> None:
    weights = np.random.default_rng(seed).integers(-4, 5, (3, 4))
    lowest, highest = accumulator_bounds(weights, low, high)
    # A sum that has not taken an operand yet is one whose operand is 0.
    operands = sorted({0, *range(low, high + 1)})
    for channel, row in enumerate(weights):
        sums = [int(np.dot(row, x)) for x in itertools.product(operands, repeat=4)]
        assert (lowest[channel], highest[channel]) == (min(sums), max(sums))


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_magnitude_is_the_largest_sum_of_magnitudes(low: int, high: int) -> None:
    weights = np.array([[3, -4, 0], [0, 0, 0], [-1, -1, -1]])
    inputs = list(itertools.product(range(low, high + 1), repeat=3))
    expected = [max(int(np.abs(row * x).sum()) for x in inputs) for row in weights]
    found = magnitude_bound(weights, low, high)
    assert found.tolist() == expected
    assert found.dtype == np.int64


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.uint32])
def test_narrow_weights_do_not_overflow_their_type(dtype: type[np.integer]) -> None:
    info = np.iinfo(dtype)
    weights = np.array([[info.min, info.max, info.max]], dtype)
    lowest, highest = accumulator_bounds(weights, -128, 127)
    negative, positive = int(info.min), 2 * int(info.max)
    assert lowest.tolist() == [positive * -128 + negative * 127]
    assert highest.tolist() == [positive * 127 + negative * -128]
    assert magnitude_bound(weights, -128, 127).tolist() == [(positive - negative) * 128]


def test_sums_beyond_64_bits_are_exact() -> None:
    weights = np.array([[2**63 - 1, -(2**63)]])
    lowest, highest = accumulator_bounds(weights, -(2**15), 2**15 - 1)
    assert lowest.tolist() == [(2**63 - 1) * -(2**15) - 2**63 * (2**15 - 1)]
    assert highest.tolist() == [(2**63 - 1) * (2**15 - 1) + 2**63 * 2**15]
    assert magnitude_bound(weights, 0, 1).tolist() == [2**64 - 1]
    assert magnitude_bound(np.array([[2**64 - 1]], np.uint64), 0, 2).tolist() == [2**65 - 2]


def test_the_largest_sum_of_64_bits_stays_native() -> None:
    assert accumulator_bounds(np.array([[2**62 - 1, 2**62 - 1]]), 0, 1)[1].dtype == np.int64
    assert accumulator_bounds(np.array([[2**62, 2**62]]), 0, 1)[1].tolist() == [2**63]


def test_channels_without_weights_are_zero() -> None:
    empty = np.zeros((2, 0), np.int8)
    assert [bound.tolist() for bound in accumulator_bounds(empty, -1, 1)] == [[0, 0], [0, 0]]
    assert magnitude_bound(empty, -1, 1).tolist() == [0, 0]


@pytest.mark.parametrize("low", [*range(-20, 21), -(2**31), -(2**31) - 1])
def test_signed_bits(low: int) -> None:
    for high in (*range(max(low, -20), 21), 2**31 - 1, 2**31):
        bits = signed_bits(low, high)
        assert -(2 ** (bits - 1)) <= low <= high <= 2 ** (bits - 1) - 1
        assert bits == 1 or low < -(2 ** (bits - 2)) or high > 2 ** (bits - 2) - 1


def test_operands_reach_as_far_as_codes_less_their_zero_point() -> None:
    for zero_point in (-128, 0, 5, 127):
        codes = range(-128, 128)
        assert operand_range(INT8, zero_point, subtracted=False) == (-128, 127)
        found = operand_range(INT8, zero_point, subtracted=True)
        assert found == (min(code - zero_point for code in codes), max(code - zero_point for code in codes))


def test_bits_are_those_of_the_widest_channel() -> None:
    weights = np.array([[1, 1, 1], [-127, 0, 5]])
    # The lowest sum is -127 * 127 - 5 * 128 = -16769, the highest 127 * 128 + 5 * 127 = 16891.
    assert accumulator_bits(weights, (-128, 127)) == 16
    assert accumulator_bits(weights[:1], (-128, 127)) == 10
