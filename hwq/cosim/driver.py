"""Drives the accelerator's ports: load, start, wait, read back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import First, RisingEdge, Timer

from hwq.cosim.package import GeneratedPackage

CLOCK_NS = 10

COUNTERS = ("PSUM_OVERFLOWS", "ACCUMULATOR_OVERFLOWS", "OUTPUT_CLAMPS")
"""Registers that show counts of one descriptor."""

_READ_SLACK = 6
"""Cycles after the last read request in which answers may still come."""


class SilenceError(AssertionError):
    """The accelerator did not answer in the time it has."""


class AcceleratorDriver:
    """One accelerator in a simulation.

    Parameters
    ----------
    dut:
        Handle of the top module.
    package:
        Its manifest and images.
    """

    def __init__(self, dut: Any, package: GeneratedPackage) -> None:
        self._dut, self._package = dut, package
        self._edge = RisingEdge(dut.clk)

    async def reset(self) -> None:
        """Start the clock and reset the design."""
        dut = self._dut
        for name in ("bus_address", "bus_write_enable", "bus_write_data", "load__payload", "load__valid"):
            getattr(dut, name).value = 0
        dut.read_enable.value = 0
        dut.read_address.value = 0
        dut.rst.value = 1
        Clock(dut.clk, CLOCK_NS, unit="ns").start()
        await self._cycles(4)
        dut.rst.value = 0
        await self._cycles(1)

    async def _cycles(self, count: int) -> None:
        for _ in range(count):
            await self._edge

    async def check_identity(self) -> None:
        """Fail where the design's identity or version is not the manifest's."""
        manifest = self._package.manifest
        for register, expected in (("IDENTITY", manifest["identity"]), ("VERSION", manifest["isa_version"])):
            found = await self.read_register(register)
            assert found == expected, f"register {register} reads 0x{found:x}, the manifest says 0x{expected:x}"

    async def read_register(self, name: str) -> int:
        """Value of a register."""
        self._dut.bus_address.value = self._package.register(name)
        await self._cycles(2)
        return int(self._dut.bus_read_data.value.to_unsigned())

    async def write_register(self, name: str, value: int) -> None:
        """Write a register."""
        dut = self._dut
        dut.bus_address.value = self._package.register(name)
        dut.bus_write_data.value = value
        dut.bus_write_enable.value = 1
        await self._edge
        dut.bus_write_enable.value = 0

    async def load(self, memory: str, base: int, words: Sequence[int]) -> None:
        """Write ``words`` to ``memory`` from word ``base`` on, a beat a cycle."""
        payload, edge = self._dut.load__payload, self._edge
        self._check_ready(memory)
        self._dut.load__valid.value = 1
        for beat in self._package.beats(memory, base, words):
            payload.value = beat
            await edge
        self._check_ready(memory)
        self._dut.load__valid.value = 0
        # The last word is written in the cycle after its last beat.
        await self._cycles(2)

    def _check_ready(self, memory: str) -> None:
        # Only a running accelerator refuses beats, so the two ends of a burst speak for all of it.
        if int(self._dut.load__ready.value) != 1:
            raise SilenceError(f"the load port did not take the words of {memory} while the accelerator was idle")

    async def run(self, limit: int) -> int:
        """Start, wait for done, return the cycles the design counted.

        Raises
        ------
        SilenceError
            When it is not done after ``limit`` cycles.
        AssertionError
            When it reports an error.
        """
        dut, package = self._dut, self._package
        await self.write_register("CONTROL", package.bit("CONTROL", "START"))
        await self._cycles(3)
        if int(dut.done.value) == 0:
            # Python sleeps until the design is done: nothing here runs once per cycle.
            await First(RisingEdge(dut.done), Timer(limit * CLOCK_NS, unit="ns"))
        await self._cycles(1)
        if int(dut.done.value) != 1:
            raise SilenceError(f"not done after {limit} cycles")
        status = await self.read_register("STATUS")
        assert not status & package.bit("STATUS", "ERROR"), "the accelerator refused a descriptor (STATUS.ERROR)"
        return await self.read_register("CYCLES")

    async def read_counts(self, descriptors: int) -> list[list[int]]:
        """Of each descriptor that was run its overflows of psums and accumulators, and its clamped outputs."""
        counts = []
        for number in range(descriptors):
            await self.write_register("COUNTED", number)
            await self._cycles(2)
            counts.append([await self.read_register(name) for name in COUNTERS])
        return counts

    async def read_activations(self, base: int, count: int) -> list[int]:
        """``count`` words of activation memory from word ``base`` on."""
        dut, words = self._dut, []
        dut.read_enable.value = 1
        for number in range(count + _READ_SLACK):
            if number < count:
                dut.read_address.value = base + number
            else:
                dut.read_enable.value = 0
            await self._edge
            if int(dut.read_valid.value) == 1:
                words.append(int(dut.read_data.value.to_unsigned()))
        if len(words) != count:
            raise SilenceError(f"{len(words)} of {count} words of activation memory were answered, from word {base} on")
        return words
