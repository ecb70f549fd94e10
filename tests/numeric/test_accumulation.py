"""Accumulation against a model of Python integers, written from docs/spec/numerics.md N.9 alone."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import numpy as np
import pytest

from hwq.errors import ConfigError
from hwq.numeric.accumulation import Accumulation, BiasPlace, Granularity, SumOverflow
from hwq.numeric.rounding import Rounding
from tests.support.scalar_sums import scalar_sum

OVERFLOWS = (SumOverflow.WRAP, SumOverflow.SATURATE, SumOverflow.SATURATE_SYMMETRIC)


def _check(spec: Accumulation, products: Sequence[Sequence[int]], passes: Sequence[int], bias: int = 0) -> None:
    found = spec.compute(np.array(products), passes, bias)
    expected = [
        scalar_sum(
            list(row),
            passes,
            psum_bits=spec.psum_bits,
            accumulator_bits=spec.accumulator_bits,
            overflow=spec.overflow.value,
            granularity=spec.granularity.value,
            truncate=spec.truncate,
            rounding=spec.truncate_rounding.value,
            bias=bias if spec.bias is BiasPlace.INITIAL else 0,
        )
        for row in products
    ]
    arrays = (found.sums, found.psum_overflows, found.accumulator_overflows)
    assert list(zip(*(array.tolist() for array in arrays), strict=True)) == expected


@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("bits", [2, 3])
def test_every_sequence_of_small_sums(bits: int, overflow: SumOverflow) -> None:
    """All products of 3 bits, four in a row, every cut into passes, every start."""
    products = list(itertools.product(range(-4, 4), repeat=4))
    for bias in (-5, -2, 0, 1):
        place = BiasPlace.INITIAL if bias else BiasPlace.AFTER
        _check(Accumulation(None, bits, overflow, Granularity.MAC, bias=place), products, [4], bias)
        for passes, psum in (([4], None), ([2, 2], 3), ([1, 3], 2), ([1, 1, 1, 1], None)):
            _check(Accumulation(psum, bits, overflow, bias=place), products, passes, bias)


def test_every_option_with_every_other() -> None:
    choose = random.Random(91)
    for rounding, overflow, granularity, place, truncate in itertools.product(
        Rounding, OVERFLOWS, Granularity, BiasPlace, (0, 1, 3)
    ):
        bits = choose.randint(4, 12)
        psum = choose.choice([None, choose.randint(3, 12)]) if granularity is Granularity.PASS else None
        spec = Accumulation(psum, bits, overflow, granularity, truncate, rounding, place)
        passes = [choose.randint(1, 5) for _ in range(choose.randint(1, 4))]
        products = [[choose.randint(-300, 300) for _ in range(sum(passes))] for _ in range(20)]
        _check(spec, products, passes, choose.randint(-600, 600))


def test_refuse_has_no_lowest_sum_of_its_own() -> None:
    assert Accumulation(None, 8).range(8) == (-128, 127)
    assert Accumulation(None, 8, SumOverflow.SATURATE_SYMMETRIC).range(8) == (-127, 127)


def test_mac_has_one_width() -> None:
    assert Accumulation(16, 16, SumOverflow.WRAP, Granularity.MAC).psum_bits == 16
    with pytest.raises(ConfigError, match=r"psum_bits: must be null or accumulator_bits \(16\)"):
        Accumulation(12, 16, SumOverflow.WRAP, Granularity.MAC)


def test_passes_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="3 products, but there are 4"):
        Accumulation().compute([1, 2, 3, 4], [2, 1])


@pytest.mark.parametrize(
    ("bits", "truncate", "saturates"), [(32, 0, False), (31, 1, False), (32, 1, True), (48, 0, True)]
)
def test_what_is_requantized_has_32_bits(bits: int, truncate: int, saturates: bool) -> None:
    spec = Accumulation(None, bits, SumOverflow.WRAP, truncate=truncate)
    high, low = 2**31 - 1, -(2**31)
    sums, bias = np.array([[high >> truncate, low >> truncate]]), np.array([5, -5])
    wrapped = [((total + 2**31) % 2**32) - 2**31 for total in ((high >> truncate << truncate) + 5, low - 5)]
    assert spec.biased(sums, bias).tolist() == [[high, low] if saturates else wrapped]
    begun = Accumulation(None, bits, SumOverflow.WRAP, truncate=truncate, bias=BiasPlace.INITIAL)
    assert begun.biased(sums, bias).tolist() == [[high >> truncate << truncate, low]]
