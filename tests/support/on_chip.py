"""A whole accelerator in Amaranth's simulator: loaded, started, watched at the results unit, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Register, Space
from hwq.gateware import accelerator as gateware
from hwq.gateware.results import Results
from hwq.gateware.sequencer import Sequencer
from hwq.schedule import images
from tests.support.simulation import simulate


class OnChip:
    """One START: what it left in activation memory, its cycle count, and the cycle in which each element was written.

    Parameters
    ----------
    accelerator:
        What is simulated.
    memories:
        Words of each memory from its word 0 on; descriptors end with END.
    limit:
        Cycles after which it should have been done.
    read:
        (first word, words) of activation memory to read back.

    Attributes
    ----------
    elements:
        Codes read back.
    cycles:
        What register CYCLES says.
    written:
        By element, the cycle from START in which its code was in memory; an element written twice is a failure.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        memories: Mapping[Space, Sequence[int]],
        limit: int,
        read: tuple[int, int],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.elements: list[int] = []
        self.cycles = -1
        self.written: dict[int, int] = {}
        self._accelerator, self._limit, self._read = accelerator, limit, read
        self._beats = [
            beat for space, words in memories.items() for beat in images.load_beats(accelerator, space, 0, words)
        ]
        self._parts: dict[type[Any], Any] = {}
        plain = gateware.place

        def place(m: Any, name: str, kind: type[Any], platform: object, **parameters: Any) -> Any:
            part = self._parts[kind] = plain(m, name, kind, platform, **parameters)
            return part

        # The parts that the design is made of, for the watcher.
        with monkeypatch.context() as patch:
            patch.setattr(gateware, "place", place)
            self._dut = gateware.Accelerator(accelerator=accelerator)
            simulate(self._dut, self._host, self._watch)

    async def _host(self, context: Any) -> None:
        dut = self._dut
        context.set(dut.load.valid, 1)
        for beat in self._beats:
            context.set(dut.load.payload.as_value(), beat)
            await context.tick()
        context.set(dut.load.valid, 0)
        await context.tick()
        context.set(dut.bus_address, Register.CONTROL.value)
        context.set(dut.bus_write_data, 1)
        context.set(dut.bus_write_enable, 1)
        await context.tick()
        context.set(dut.bus_write_enable, 0)
        context.set(dut.bus_address, Register.CYCLES.value)
        for _ in range(self._limit + 100):
            await context.tick()
            if context.get(dut.done):
                break
        else:
            raise AssertionError(f"not done after {self._limit} cycles and 100 more")
        await context.tick()
        self.cycles = context.get(dut.bus_read_data)
        context.set(dut.bus_address, Register.STATUS.value)
        await context.tick()
        assert not context.get(dut.bus_read_data) & isa.bit_mask(Register.STATUS, "ERROR"), "STATUS.ERROR"
        words = []
        first, count = self._read
        for number in range(first, first + count):
            context.set(dut.read_address, number)
            context.set(dut.read_enable, 1)
            await context.tick()
            context.set(dut.read_enable, 0)
            await context.tick()
            assert context.get(dut.read_valid)
            words.append(context.get(dut.read_data.as_value()))
        a = self._accelerator
        self.elements = images.unpack_words(words, a.word, a.activation.width).tolist()

    async def _watch(self, context: Any) -> None:
        """Count cycles from START and note when the results unit writes which element."""
        cycle = 0
        while True:
            await context.tick()
            write, sequencer = self._parts[Results].write, self._parts[Sequencer]
            cycle = 0 if context.get(sequencer.start) else cycle + 1
            if context.get(write.enable):
                address, mask = context.get(write.address), context.get(write.mask)
                for lane in range(self._accelerator.lanes):
                    if mask >> lane & 1:
                        element = (address + lane) % (1 << self._accelerator.element_address_bits)
                        assert element not in self.written, f"element {element} is written twice"
                        # The code leaves the requantizer now and is in memory when it has been stored.
                        self.written[element] = cycle + self._accelerator.store_latency


END = isa.descriptor_words({"opcode": isa.Opcode.END.value})
