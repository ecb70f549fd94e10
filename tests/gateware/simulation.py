"""Amaranth's own simulator, for tests that last a second."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from amaranth.sim import Simulator, SimulatorContext


def simulate(dut: Any, testbench: Callable[[SimulatorContext], Awaitable[None]]) -> None:
    """Run ``testbench`` with a clock until it ends."""
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    ended = []

    async def run(ctx: SimulatorContext) -> None:
        await testbench(ctx)
        ended.append(True)

    simulator.add_testbench(run)
    simulator.run()
    assert ended, "the testbench did not run to its end"
