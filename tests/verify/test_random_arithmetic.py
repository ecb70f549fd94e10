"""Random networks under random arithmetic in Verilator: sums that wrap and saturate, every bit and every cycle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, RequantizerParameters, TruncateParameters
from hwq.emulate import Emulator
from hwq.graph.inputs import random_samples
from hwq.graph.layers import Dense
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.accumulation import BiasPlace, Granularity, SumOverflow
from hwq.numeric.formats import INT8
from hwq.numeric.rounding import Rounding
from hwq.schedule.order import ordered_sums
from hwq.verify.design import lower_design
from hwq.verify.session import verify
from tests.support.convolutions import quantization
from tests.support.random_arithmetic import OVERFLOWS, PROOF, SAMPLE, arithmetic_network, random_accelerator


def check(seed: int, directory: Path, accelerator: Accelerator) -> None:
    network = arithmetic_network(seed)
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


@pytest.mark.parametrize("granularity", Granularity)
def test_biases_of_many_groups_are_there_in_time(granularity: Granularity, tmp_path: Path) -> None:
    """A block of eight groups of one lane, on two rows: fetching its biases takes longer than loading its weights.

    One pass of one pixel is a job, and the shortest there is.
    """
    rng = np.random.default_rng(4)
    layer = Dense(
        name="dense",
        inputs=("x",),
        output="y",
        weights=rng.integers(-127, 128, (40, 2)).astype(np.int8),
        weight_quantization=Quantization(
            INT8, rng.uniform(0.01, 0.03, 40).astype(np.float32), np.zeros(40, np.int32), 0
        ),
        bias=rng.integers(-3000, 3000, 40).astype(np.int32),
        clamp=(-128, 127),
    )
    tensors = {"x": Tensor("x", (2,), quantization(0.05, 7)), "y": Tensor("y", (40,), quantization(0.5, -3))}
    arithmetic = ArithmeticParameters(
        overflow=SumOverflow.SATURATE, granularity=granularity, accumulator_bits=14, bias=BiasPlace.INITIAL
    )
    hardware = Accelerator(ArrayParameters(2, 8, False), arithmetic, RequantizerParameters(lanes=1))
    assert hardware.minimum_pass >= 10 and hardware.load_cycles == 5
    network = Network("groups", tensors, (layer,), "x", "y")
    report = verify(lower_design(network, hardware), random_samples(network, 3, 0), tmp_path, {})
    assert report.match, (report.failure, report.runs)


@pytest.mark.proof
@pytest.mark.parametrize("seed", PROOF)
def test_much_random_arithmetic(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path, random_accelerator(seed))


def test_the_sample_overflows_in_every_way() -> None:
    """What CI runs wraps and saturates in both places, on the array and beside it."""
    seen = set()
    for seed in SAMPLE:
        network, accelerator = arithmetic_network(seed), random_accelerator(seed)
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
