"""Random networks under random arithmetic in Verilator: sums that wrap and saturate, every bit and every cycle."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.engines.elementwise import ElementwiseParameters
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.engines.table import TableParameters
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, BufferParameters, InputZeroPoint
from hwq.emulate import Emulator
from hwq.graph.inputs import random_samples
from hwq.numeric.accumulation import SumOverflow
from hwq.schedule.order import ordered_sums
from hwq.verify.design import lower_design
from hwq.verify.session import verify
from tests.support.random_networks import random_network

BUFFERS = BufferParameters(activations=1 << 15, weights=1 << 18, channels=1 << 13, descriptors=512, accumulators=32)
OVERFLOWS = [overflow for overflow in SumOverflow if overflow is not SumOverflow.REFUSE]


def random_accelerator(seed: int) -> Accelerator:
    """A small array under any arithmetic; networks of neighboring seeds share it, and its simulator."""
    choose = random.Random(seed // 3)
    arithmetic = ArithmeticParameters(
        input_zero_point=choose.choice(list(InputZeroPoint)),
        overflow=choose.choice(OVERFLOWS),
        accumulator_bits=choose.randint(11, 20),
        psum_bits=choose.choice([None, choose.randint(9, 18)]),
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


def check(seed: int, directory: Path) -> None:
    network, accelerator = random_network(seed), random_accelerator(seed)
    print(accelerator)
    design = lower_design(network, accelerator)
    report = verify(design, random_samples(network, 2, seed), directory, {})
    assert report.match, (report.failure, [run for run in report.runs if not run.match])
    assert report.network is not None


@pytest.mark.parametrize("seed", [0, 3, 6, 9, 12])
def test_random_arithmetic(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(300))
def test_much_random_arithmetic(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


def test_the_sample_overflows_in_every_way() -> None:
    """What CI runs saturates and wraps in both places, on the array and beside it."""
    seen = set()
    for seed in [0, 3, 6, 9, 12]:
        network, accelerator = random_network(seed), random_accelerator(seed)
        design = lower_design(network, accelerator)
        emulator = Emulator(network, sums=ordered_sums(network, accelerator))
        emulator.run(random_samples(network, 2, seed))
        engines = {found.layer.name: found.engine for found in design.assigned}
        for name, counts in emulator.overflows.items():
            seen |= {(engines[name], accelerator.arithmetic.overflow, "psum")} if counts.psum.any() else set()
            seen |= (
                {(engines[name], accelerator.arithmetic.overflow, "accumulator")} if counts.accumulator.any() else set()
            )
    assert {overflow for _, overflow, _ in seen} == set(OVERFLOWS)
    assert {(engine, kind) for engine, _, kind in seen} >= {
        ("array", "psum"),
        ("array", "accumulator"),
        ("depthwise", "accumulator"),
    }
