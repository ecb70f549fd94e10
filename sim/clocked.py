"""Driving and watching a block cycle by cycle, half a cycle away from the edge at which it acts."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

_PERIOD_NS = 10


def parameters() -> dict[str, Any]:
    """What the launcher says of the block: its parameters and derived figures."""
    values: dict[str, Any] = json.loads(Path(os.environ["HWQ_SIM_PARAMETERS"]).read_text(encoding="utf-8"))
    return values


def seeded(dut: Any) -> random.Random:
    """The run's random numbers; the seed is in the log."""
    seed = int(os.environ["HWQ_SIM_SEED"])
    dut._log.info(f"seed {seed}")
    return random.Random(seed)


def pack(values: list[int], bits: int) -> int:
    """``values`` side by side in two's complement, the first lowest."""
    mask = (1 << bits) - 1
    return sum((value & mask) << place * bits for place, value in enumerate(values))


def unpack(word: int, count: int, bits: int) -> list[int]:
    """``count`` signed values of ``bits`` bits each."""
    return [signed(word >> place * bits, bits) for place in range(count)]


def signed(value: int, bits: int) -> int:
    """The low ``bits`` bits of ``value`` as a two's complement number."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


class Block:
    """A block under test: set its inputs, let a cycle pass, look at its outputs."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self.cycle = 0

    async def start(self, inputs: Mapping[str, int]) -> None:
        """Start the clock, hold reset for two cycles; ``inputs`` are the values to begin with."""
        self.drive(inputs)
        self._dut.rst.value = 1
        Clock(self._dut.clk, _PERIOD_NS, unit="ns").start(start_high=False)
        for _ in range(2):
            await FallingEdge(self._dut.clk)
        self._dut.rst.value = 0
        await FallingEdge(self._dut.clk)
        self.cycle = 0

    def drive(self, inputs: Mapping[str, int]) -> None:
        """Set inputs, as unsigned integers; the next `step` takes them."""
        for name, value in inputs.items():
            getattr(self._dut, name).value = value

    async def step(self) -> None:
        """Let one rising edge pass."""
        await FallingEdge(self._dut.clk)
        self.cycle += 1

    def read(self, name: str) -> int:
        """An output, as an unsigned integer."""
        return int(getattr(self._dut, name).value.to_unsigned())
