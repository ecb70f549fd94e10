"""Averages as requantizations: the multiplier that stands for a division, at every sum (docs/spec/numerics.md, N.7)."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hwq.numeric.division import divide_half_away, division_multiplier, mean_multiplier
from hwq.numeric.requantize import quantize_multiplier, requantize


def differences(count: int, sums: np.ndarray) -> int:
    quotients = requantize(sums << 8, *division_multiplier(count))
    return int(np.count_nonzero(quotients != divide_half_away(sums, count)))


def every_sum(count: int) -> np.ndarray:
    return np.arange(-128 * count, 127 * count + 1, dtype=np.int64)


@pytest.mark.parametrize("counts", [range(1, 65), (81, 100, 121, 125, 127, 128, 129, 255, 256, 257, 1000, 1023, 1024)])
def test_every_sum_of_small_windows(counts: range | tuple[int, ...]) -> None:
    assert [count for count in counts if differences(count, every_sum(count))] == []


@pytest.mark.proof
def test_every_sum_of_windows_up_to_1024() -> None:
    assert [count for count in range(1, 1025) if differences(count, every_sum(count))] == []


def near_ties(count: int) -> np.ndarray:
    """Every sum within 2 of a tie, and the ends."""
    ties = (2 * np.arange(-129, 129, dtype=np.int64) + 1) * count // 2
    sums = (ties[:, None] + np.arange(-2, 3)).reshape(-1)
    return np.clip(sums, -128 * count, 127 * count)


def test_ties_and_ends_of_large_windows() -> None:
    choose = random.Random(7)
    counts = [choose.randint(1025, 65536) for _ in range(500)] + [2048, 32767, 32768, 65535, 65536]
    assert [count for count in counts if differences(count, near_ties(count))] == []


@pytest.mark.proof
def test_ties_and_ends_of_all_windows() -> None:
    assert [count for count in range(1025, 65537) if differences(count, near_ties(count))] == []


def test_larger_windows_wrap() -> None:
    assert differences(65537, near_ties(65537))


@pytest.mark.parametrize("count", range(1, 200))
def test_a_division_needs_no_shift_to_the_left(count: int) -> None:
    multiplier, shift = division_multiplier(count)
    assert 1 << 30 <= multiplier < 1 << 31
    assert -24 <= shift <= -7


@pytest.mark.parametrize("scale", [1.0, 0.75, 3.0, 2.0**-20, 2.0**-31, 2.0**-40, 1000.0])
def test_a_mean_of_one_is_a_change_of_scale(scale: float) -> None:
    assert mean_multiplier(scale, 1) == quantize_multiplier(scale)


def test_a_mean_takes_the_division_into_the_multiplier() -> None:
    # Table of docs/spec/numerics.md, N.7: scale 1, six codes.
    assert mean_multiplier(1.0, 6) == (715827882, -1)
    assert mean_multiplier(2.0**-31, 1 << 20) == ((1 << 31) // (1 << 20), -31)
