"""What docs/spec/accelerator.md says of ports, start, done, error and reset, cycle by cycle, in simulation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from amaranth.sim import Simulator

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Register, Space
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, BufferParameters
from hwq.gateware.accelerator import Accelerator as Top
from hwq.schedule.images import load_beats

#: Codes of 3 bits to a weight and 5 columns: words of odd widths behind the load port.
SMALL = Accelerator(
    array=ArrayParameters(rows=3, columns=5),
    arithmetic=ArithmeticParameters(weight_bits=3),
    buffers=BufferParameters(activations=64, weights=40, channels=5, descriptors=3, accumulators=4),
)

END = isa.descriptor_words({"opcode": isa.Opcode.END})
#: One pixel, one pass, one block: the shortest layer there is.
CONV = isa.descriptor_words(
    {"opcode": isa.Opcode.CONV, "tile_pixels": 1, "blocks": 1, "last_groups": 1, "last_lanes": 1, "pixels": 1}
    | {"out_width": 1, "ky_count": 1, "kx_count": 1, "chunk_count": 1, "run": 1, "in_row": 1, "in_height": 1}
    | {"out_base": 32, "low": -128, "high": 127}
)


class Host:
    """Drives the ports; a step is one clock cycle, and what it reads is what stands in that cycle."""

    def __init__(self, ctx: Any, top: Any) -> None:
        self.ctx, self.top = ctx, top

    async def step(self, cycles: int = 1) -> None:
        for _ in range(cycles):
            await self.ctx.tick()

    def get(self, name: str) -> int:
        value = getattr(self.top, name)
        return int(self.ctx.get(value.as_value() if hasattr(value, "as_value") else value))

    async def load(self, space: Space, base: int, words: list[int]) -> None:
        for beat in load_beats(SMALL, space, base, words):
            self.ctx.set(self.top.load.payload.as_value(), beat)
            self.ctx.set(self.top.load.valid, 1)
            assert self.ctx.get(self.top.load.ready) == 1
            await self.step()
        self.ctx.set(self.top.load.valid, 0)

    async def write(self, register: Register, value: int) -> None:
        """One cycle, after which the next one is cycle 0."""
        self.ctx.set(self.top.bus_address, register.value)
        self.ctx.set(self.top.bus_write_data, value)
        self.ctx.set(self.top.bus_write_enable, 1)
        await self.step()
        self.ctx.set(self.top.bus_write_enable, 0)

    async def read(self, address: int) -> int:
        self.ctx.set(self.top.bus_address, address)
        await self.step()
        return self.get("bus_read_data")

    async def status(self) -> tuple[int, int, int, int, int]:
        """BUSY, DONE, ERROR, CYCLES, LAYERS."""
        bits = await self.read(Register.STATUS)
        return bits & 1, bits >> 1 & 1, bits >> 2, await self.read(Register.CYCLES), await self.read(Register.LAYERS)

    async def run(self) -> int:
        """Start; returns the cycle in which DONE rises."""
        await self.write(Register.CONTROL, 1)
        await self.step()
        for cycle in range(1, 400):
            if self.get("done"):
                return cycle
            await self.step()
        raise AssertionError("not done")


def simulate(script: Callable[[Host], Any]) -> None:
    top = Top(accelerator=SMALL)
    simulator = Simulator(top)
    simulator.add_clock(1e-8)

    async def process(ctx: Any) -> None:
        await script(Host(ctx, top))

    simulator.add_testbench(process)
    simulator.run()


def test_start_is_busy_two_cycles_after_the_write_and_end_is_done_in_cycle_13() -> None:
    async def script(host: Host) -> None:
        await host.load(Space.DESCRIPTORS, 0, END)
        # START may follow the last beat at once.
        await host.write(Register.CONTROL, 1)
        assert host.ctx.get(host.top.load.ready) == 1  # cycle 0
        await host.step()
        assert host.ctx.get(host.top.load.ready) == 0  # cycle 1
        for _ in range(2, 13):
            await host.step()
            assert host.get("done") == 0
        await host.step()
        assert host.get("done") == 1 and host.ctx.get(host.top.load.ready) == 1  # cycle 13
        await host.step(5)
        assert host.get("done") == 1
        assert await host.status() == (0, 1, 0, 0, 0)

    simulate(script)


def test_done_rises_13_cycles_after_what_cycles_counts() -> None:
    async def script(host: Host) -> None:
        await host.load(Space.DESCRIPTORS, 0, CONV + END)
        done = await host.run()
        busy, over, error, cycles, layers = await host.status()
        assert (busy, over, error, layers) == (0, 1, 0, 1)
        a = SMALL
        to_full = a.feed_latency + a.array_latency + a.accumulate_latency
        first = 12 + a.array.rows + 1
        assert cycles == first + to_full + 1 + a.drain_latency + a.requantizer_latency + a.store_latency
        assert done == cycles + 13
        await host.load(Space.DESCRIPTORS, 0, CONV + CONV + END)
        assert await host.run() == 2 * cycles + 13
        assert await host.status() == (0, 1, 0, 2 * cycles, 2)

    simulate(script)


@pytest.mark.parametrize("value", [0, 2, 3, 1 << 31 | 1])
def test_control_acts_only_when_written_1(value: int) -> None:
    async def script(host: Host) -> None:
        await host.load(Space.DESCRIPTORS, 0, END)
        await host.write(Register.CONTROL, value)
        await host.step(30)
        assert await host.status() == (0, 0, 0, 0, 0)

    simulate(script)


def test_start_is_ignored_while_busy_and_clears_when_it_is_not() -> None:
    async def script(host: Host) -> None:
        await host.load(Space.DESCRIPTORS, 0, CONV + END)
        alone = await host.run()
        cycles = await host.read(Register.CYCLES)
        await host.write(Register.CONTROL, 1)
        await host.step(2)
        assert await host.read(Register.STATUS) == 1
        assert await host.read(Register.CYCLES) == await host.read(Register.LAYERS) == 0
        await host.write(Register.CONTROL, 1)
        # Five cycles of reading and the two writes have passed since the first START.
        await host.step(alone - 6)
        assert host.get("done") == 1
        assert await host.status() == (0, 1, 0, cycles, 1)

    simulate(script)


def test_start_in_two_cycles_in_a_row_starts_once() -> None:
    async def script(host: Host) -> None:
        await host.load(Space.DESCRIPTORS, 0, END)
        await host.write(Register.CONTROL, 1)
        await host.write(Register.CONTROL, 1)
        # After the second write it is cycle 1.
        await host.step(11)
        assert host.get("done") == 0
        await host.step()
        assert host.get("done") == 1

    simulate(script)


WRONG = {
    "unknown opcode": (0, 2),
    "between fields": (0, 1 << 63),
    "above the last field": (9, 1 << 63),
    "weight_base beyond the memory": (7, 1 << 20),
    "sign of in_zero_point": (8, 1 << (46 + 9)),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_bad_descriptor_ends_with_done_and_error(what: str) -> None:
    word, bits = WRONG[what]

    async def script(host: Host) -> None:
        bad = list(CONV)
        bad[word] ^= bits
        await host.load(Space.DESCRIPTORS, 0, CONV + bad)
        await host.run()
        assert (await host.status())[:3] == (0, 1, 1)
        assert await host.read(Register.LAYERS) == 1
        await host.load(Space.DESCRIPTORS, 0, END)
        await host.run()
        assert (await host.status())[:3] == (0, 1, 0)

    simulate(script)


@pytest.mark.parametrize("word", [0, 9])
def test_an_end_with_a_reserved_bit_is_an_error(word: int) -> None:
    async def script(host: Host) -> None:
        bad = list(END)
        bad[word] |= 1 << 63
        await host.load(Space.DESCRIPTORS, 0, bad)
        await host.run()
        assert await host.status() == (0, 1, 1, 0, 0)

    simulate(script)


def test_registers() -> None:
    async def script(host: Host) -> None:
        assert await host.read(Register.IDENTITY) == isa.IDENTITY
        assert await host.read(Register.VERSION) == isa.ISA_VERSION
        for address in (Register.CONTROL, 0x01, 0x18, 0xFF):
            assert await host.read(address) == 0

    simulate(script)


def test_a_read_takes_two_cycles_and_sees_a_write_three_cycles_after_its_beat() -> None:
    async def script(host: Host) -> None:
        ctx, top = host.ctx, host.top
        await host.load(Space.ACTIVATIONS, 5, [0x01020304, 0x11121314])
        await host.step(2)
        # Three cycles after the last beat.
        ctx.set(top.read_enable, 1)
        ctx.set(top.read_address, 6)
        await host.step()
        ctx.set(top.read_address, 5)
        assert host.get("read_valid") == 0
        await host.step()
        ctx.set(top.read_enable, 0)
        assert (host.get("read_valid"), host.get("read_data")) == (1, 0x11121314)
        await host.step()
        assert (host.get("read_valid"), host.get("read_data")) == (1, 0x01020304)
        await host.step()
        assert host.get("read_valid") == 0

    simulate(script)


def test_reads_are_ignored_and_beats_wait_while_busy() -> None:
    async def script(host: Host) -> None:
        ctx, top = host.ctx, host.top
        await host.load(Space.DESCRIPTORS, 0, CONV + END)
        await host.write(Register.CONTROL, 1)
        await host.step()
        ctx.set(top.read_enable, 1)
        ctx.set(top.load.valid, 1)
        ctx.set(top.load.payload.as_value(), load_beats(SMALL, Space.ACTIVATIONS, 0, [0x55])[0])
        while not host.get("done"):
            assert host.get("read_valid") == 0 and ctx.get(top.load.ready) == 0
            await host.step()
        assert ctx.get(top.load.ready) == 1
        await host.step()
        ctx.set(top.load.valid, 0)
        await host.step(5)
        assert (host.get("read_valid"), host.get("read_data")) == (1, 0x55)

    simulate(script)
