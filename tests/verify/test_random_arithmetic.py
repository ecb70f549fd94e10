"""Random networks under random arithmetic in Verilator: sums that wrap and saturate, every bit and every cycle."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.engines.elementwise import ElementwiseParameters
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.engines.table import TableParameters
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    TruncateParameters,
)
from hwq.emulate import Emulator
from hwq.graph.inputs import random_samples
from hwq.numeric.accumulation import BiasPlace, Granularity, SumOverflow
from hwq.numeric.rounding import Rounding
from hwq.schedule.order import ordered_sums
from hwq.verify.design import lower_design
from hwq.verify.session import verify
from tests.support.random_networks import random_network

BUFFERS = BufferParameters(activations=1 << 15, weights=1 << 18, channels=1 << 13, descriptors=512, accumulators=32)
SAMPLE = range(0, 27, 3)
"""Each on an accelerator of its own: every overflow under either granularity, and more."""

OVERFLOWS = [overflow for overflow in SumOverflow if overflow is not SumOverflow.REFUSE]


def random_accelerator(seed: int) -> Accelerator:
    """A small array under any arithmetic; networks of neighboring seeds share it, and its simulator."""
    number = seed // 3
    choose, granularity = random.Random(number + 113), list(Granularity)[number // 3 % 2]
    truncate = TruncateParameters(choose.choice([0, 1, 4]), choose.choice(list(Rounding)))
    arithmetic = ArithmeticParameters(
        input_zero_point=choose.choice(list(InputZeroPoint)),
        overflow=OVERFLOWS[number % 3],
        granularity=granularity,
        accumulator_bits=choose.randint(9, 15) - truncate.bits,
        psum_bits=choose.choice([None, choose.randint(9, 18)]) if granularity is Granularity.PASS else None,
        truncate=truncate,
        bias=choose.choice(list(BiasPlace)),
    )
    return Accelerator(
        ArrayParameters(choose.randint(2, 4), choose.randint(2, 4), choose.random() < 0.5),
        arithmetic,
        buffers=BUFFERS,
        depthwise=DepthwiseParameters(3, 3, 24) if choose.random() < 0.6 else None,
        pooling=PoolingParameters(),
        elementwise=ElementwiseParameters(),
        table=TableParameters(),
    )


def check(seed: int, directory: Path, accelerator: Accelerator) -> None:
    network = random_network(seed)
    print(accelerator)
    design = lower_design(network, accelerator)
    report = verify(design, random_samples(network, 2, seed), directory, {})
    assert report.match, (report.failure, [run for run in report.runs if not run.match])
    assert report.network is not None


@pytest.mark.parametrize("seed", SAMPLE)
def test_random_arithmetic(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path, random_accelerator(seed))


def test_truncated_sums_that_begin_with_the_bias_and_never_overflow(tmp_path: Path) -> None:
    arithmetic = ArithmeticParameters(
        truncate=TruncateParameters(2, Rounding.HALF_EVEN), bias=BiasPlace.INITIAL, accumulator_bits=24
    )
    check(2, tmp_path, replace(random_accelerator(9), arithmetic=arithmetic))


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(300))
def test_much_random_arithmetic(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path, random_accelerator(seed))


def test_the_sample_overflows_in_every_way() -> None:
    """What CI runs wraps and saturates in both places, on the array and beside it."""
    seen = set()
    for seed in SAMPLE:
        network, accelerator = random_network(seed), random_accelerator(seed)
        design = lower_design(network, accelerator)
        emulator = Emulator(network, sums=ordered_sums(network, accelerator), count=True)
        emulator.run(random_samples(network, 2, seed))
        engines = {found.layer.name: found.engine for found in design.assigned}
        arithmetic = accelerator.arithmetic
        for name, counts in emulator.overflows.items():
            for kind, count in (("psum", counts.psum), ("accumulator", counts.accumulator)):
                if count.any():
                    seen.add((engines[name], arithmetic.granularity.value, arithmetic.overflow.value, kind))
    assert {(granularity, overflow) for _, granularity, overflow, _ in seen} == {
        (granularity.value, overflow.value) for granularity in Granularity for overflow in OVERFLOWS
    }
    assert {(engine, granularity, kind) for engine, granularity, _, kind in seen} >= {
        ("array", "pass", "psum"),
        ("array", "pass", "accumulator"),
        ("array", "mac", "accumulator"),
        ("depthwise", "pass", "accumulator"),
        ("depthwise", "mac", "accumulator"),
    }
