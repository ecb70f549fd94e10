"""Random networks under random arithmetic as C++: sums that wrap and saturate, added in the order of the array."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, InputZeroPoint, TruncateParameters
from hwq.emulate import Emulator
from hwq.graph.inputs import random_samples
from hwq.hls.flavors import VENDORS, Flavor
from hwq.numeric.accumulation import Granularity, SumOverflow
from hwq.numeric.rounding import Rounding
from hwq.schedule.order import ordered_sums
from hwq.toolchain.hls_types import find_types
from tests.hls.support import emit, passes
from tests.support.convolutions import small_network
from tests.support.random_networks import random_network

OVERFLOWS = [overflow for overflow in SumOverflow if overflow is not SumOverflow.REFUSE]
SAMPLE = (*range(400, 406), 411)
"""Every overflow under either granularity, and accumulators of 36 bits."""


def random_accelerator(seed: int) -> Accelerator:
    """A small array under any arithmetic; a few accumulate in more than 32 bits."""
    choose, granularity = random.Random(seed), list(Granularity)[seed // 3 % 2]
    truncate = TruncateParameters(choose.choice([0, 1, 4]), choose.choice(list(Rounding)))
    narrow = choose.random() < 0.9
    arithmetic = ArithmeticParameters(
        input_zero_point=choose.choice(list(InputZeroPoint)),
        overflow=OVERFLOWS[seed % 3],
        granularity=granularity,
        accumulator_bits=choose.randint(9, 15) - truncate.bits if narrow else choose.randint(33, 48),
        psum_bits=choose.choice([None, choose.randint(9, 18)]) if granularity is Granularity.PASS else None,
        truncate=truncate,
    )
    depthwise = DepthwiseParameters(3, 3, 24) if choose.random() < 0.6 else None
    return Accelerator(ArrayParameters(choose.randint(2, 4), choose.randint(2, 4)), arithmetic, depthwise=depthwise)


def check(seed: int, root: Path, flavor: Flavor = Flavor.PORTABLE, words: tuple[str, ...] = ()) -> None:
    network, accelerator = random_network(seed), random_accelerator(seed)
    emit(network, accelerator, random_samples(network, 2, seed), root, flavor)
    assert passes(root, *words).count(" 0 wrong") == len(network.layers) + 1


@pytest.mark.parametrize("seed", SAMPLE)
def test_random_arithmetic(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.parametrize("flavor", VENDORS)
def test_with_the_types_of_a_vendor(flavor: Flavor, tmp_path: Path) -> None:
    check(SAMPLE[1], tmp_path, flavor, (f"TYPES={find_types(flavor).origin}",))


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(600, 800))
def test_much_random_arithmetic(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.parametrize("rounding", Rounding)
def test_products_that_lose_bits_where_no_sum_overflows(rounding: Rounding, tmp_path: Path) -> None:
    network = small_network()
    accelerator = Accelerator(
        ArrayParameters(4, 4), ArithmeticParameters(accumulator_bits=48, truncate=TruncateParameters(3, rounding))
    )
    emit(network, accelerator, random_samples(network, 2, 0), tmp_path)
    passes(tmp_path)


def test_the_sample_overflows_in_every_way() -> None:
    """What CI runs has each overflow and granularity where it changes sums, and outputs with them."""
    seen = set()
    for seed in SAMPLE:
        network, accelerator = random_network(seed), random_accelerator(seed)
        x = random_samples(network, 2, seed)
        exact = replace(accelerator, arithmetic=replace(accelerator.arithmetic, accumulator_bits=48, psum_bits=None))
        ours = Emulator(network, sums=ordered_sums(network, accelerator)).trace(x)
        wide = Emulator(network, sums=ordered_sums(network, exact)).trace(x)
        if any((ours[name] != wide[name]).any() for name in ours):
            seen.add((accelerator.arithmetic.overflow, accelerator.arithmetic.granularity))
    assert seen == {(overflow, granularity) for overflow in OVERFLOWS for granularity in Granularity}
