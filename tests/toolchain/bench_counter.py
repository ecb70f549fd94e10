"""Bench of `test_build`: after a reset the counter counts clock edges."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge


@cocotb.test()
async def counts(dut: Any) -> None:
    dut.reset.value = 1
    cocotb.start_soon(Clock(dut.clk, 2, "ns").start())
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    dut.reset.value = 0
    for count in range(5):
        assert int(dut.count.value) == count
        await FallingEdge(dut.clk)
