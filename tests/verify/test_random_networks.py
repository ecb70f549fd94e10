"""Random whole networks in Verilator: every layer by itself and all by one START, every bit and every cycle."""

from __future__ import annotations

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
    RequantizerParameters,
)
from hwq.graph.inputs import random_samples
from hwq.verify.design import lower_design
from hwq.verify.session import verify
from tests.support.random_networks import random_network

BUFFERS = BufferParameters(activations=1 << 15, weights=1 << 18, channels=1 << 13, descriptors=512, accumulators=32)
SUBTRACTED = ArithmeticParameters(input_zero_point=InputZeroPoint.SUBTRACTED)

#: Few enough that their simulators are built once; every network runs on one of them.
ACCELERATORS = {
    "4x4": Accelerator(
        ArrayParameters(4, 4),
        buffers=BUFFERS,
        depthwise=DepthwiseParameters(3, 3, 16),
        pooling=PoolingParameters(),
        elementwise=ElementwiseParameters(),
        table=TableParameters(),
    ),
    "8x8": Accelerator(
        ArrayParameters(8, 8),
        buffers=BUFFERS,
        depthwise=DepthwiseParameters(3, 5, 24),
        pooling=PoolingParameters(),
        elementwise=ElementwiseParameters(),
        table=TableParameters(),
    ),
    "3x6": Accelerator(
        ArrayParameters(3, 6, product_register=False),
        SUBTRACTED,
        RequantizerParameters(lanes=3),
        BUFFERS,
        DepthwiseParameters(5, 2, 8),
        PoolingParameters(),
        ElementwiseParameters(),
        TableParameters(),
    ),
}
NAMES = list(ACCELERATORS)


def check(seed: int, directory: Path) -> None:
    network = random_network(seed)
    design = lower_design(network, ACCELERATORS[NAMES[seed % len(NAMES)]])
    report = verify(design, random_samples(network, 2, seed), directory, {})
    assert report.match, (report.failure, [run for run in report.runs if not run.match])
    assert not design.host
    assert report.network is not None


@pytest.mark.parametrize("seed", range(9))
def test_random_networks(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(9, 309))
def test_many_random_networks(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)
