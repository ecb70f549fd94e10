"""Counters of what left its width: kept for each descriptor, saturating, begun anew by START."""

from __future__ import annotations

from typing import Any

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.parameters import ArithmeticParameters
from hwq.gateware import overflows
from hwq.gateware.overflows import Overflows
from hwq.numeric.accumulation import SumOverflow
from tests.support.simulation import drive, simulate

ACCELERATOR = Accelerator(
    arithmetic=ArithmeticParameters(overflow=SumOverflow.SATURATE), depthwise=DepthwiseParameters()
)


async def _shown(context: Any, dut: Any, number: int) -> tuple[int, int, int]:
    context.set(dut.counted, number)
    await context.tick()
    return tuple(
        context.get(getattr(dut, name)) for name in ("psum_overflows", "accumulator_overflows", "output_clamps")
    )  # type: ignore[return-value]


def test_counts_of_every_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overflows, "_BITS", 6)
    dut = Overflows(accelerator=ACCELERATOR)

    async def bench(context: Any) -> None:
        drive(context, dut, start=1)
        await context.tick()
        drive(context, dut, start=0)
        # (cycles, psums of the array, accumulators of the depthwise engine, clamps): the second saturates.
        for layer, (cycles, psums, sums, clamps) in enumerate([(3, 8, 1, 2), (20, 5, 3, 4), (2, 0, 0, 1)]):
            drive(context, dut, layers=layer)
            for _ in range(cycles):
                context.set(dut.array.psum, psums)
                context.set(dut.depthwise.accumulator, sums)
                context.set(dut.clamps, clamps)
                await context.tick()
            for port in (dut.array.psum, dut.depthwise.accumulator, dut.clamps):
                context.set(port, 0)
            drive(context, dut, finished=1)
            await context.tick()
            drive(context, dut, finished=0)
        drive(context, dut, layers=3)
        assert [await _shown(context, dut, number) for number in range(5)] == [
            (24, 3, 6),
            (63, 60, 63),
            (0, 0, 2),
            (0, 0, 0),
            (0, 0, 0),
        ]
        # Of a run that has just begun nothing is shown, and nothing is left of the one before.
        context.set(dut.array.psum, 7)
        await context.tick()
        context.set(dut.array.psum, 0)
        drive(context, dut, start=1, layers=0)
        await context.tick()
        drive(context, dut, start=0)
        assert await _shown(context, dut, 0) == (0, 0, 0)
        drive(context, dut, finished=1)
        await context.tick()
        drive(context, dut, finished=0, layers=1)
        assert await _shown(context, dut, 0) == (0, 0, 0)

    simulate(dut, bench)
