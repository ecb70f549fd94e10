"""Registers, sequencer and operand stage: what the host and the descriptors say, and what comes of it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Shape

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import DESCRIPTOR_WORDS, Opcode, Register
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, BufferParameters, InputZeroPoint
from hwq.gateware.descriptor import field_shape
from hwq.gateware.operands import OperandStage
from hwq.gateware.registers import Registers
from hwq.gateware.sequencer import Sequencer
from tests.support.simulation import drive, numbers, simulate

SMALL = Accelerator(ArrayParameters(2, 2), buffers=BufferParameters(64, 64, 8, 4, 4))


@pytest.mark.parametrize("form", InputZeroPoint)
def test_operands_are_codes_or_padding(form: InputZeroPoint) -> None:
    accelerator = Accelerator(arithmetic=ArithmeticParameters(input_zero_point=form))
    stage = OperandStage(accelerator=accelerator, elements=3)
    choose = random.Random(1)

    async def bench(context: Any) -> None:
        for _ in range(500):
            codes = [choose.choice([-128, 127, choose.randint(-128, 127)]) for _ in range(3)]
            valid, zero_point = choose.getrandbits(3), choose.choice([-128, 127, choose.randint(-128, 127)])
            drive(context, stage, codes=codes, valid=valid, zero_point=zero_point)
            await context.tick()
            folded = form is InputZeroPoint.FOLDED
            assert numbers(context, stage.operands) == [
                (code if folded else code - zero_point) if valid >> i & 1 else (zero_point if folded else 0)
                for i, code in enumerate(codes)
            ]

    simulate(stage, bench)


@pytest.mark.parametrize("counters", [False, True])
def test_every_address_reads_what_the_register_map_says(counters: bool) -> None:
    registers = Registers(counters=counters)
    counts = {register: 0xA5000000 | register for register in isa.COUNTERS}
    readable = {
        Register.IDENTITY: isa.IDENTITY,
        Register.VERSION: isa.ISA_VERSION,
        Register.STATUS: 0b101,
        Register.CYCLES: 0xFEDCBA98,
        Register.LAYERS: 0x8001,
    }
    assert {register for register, info in isa.REGISTERS.items() if info.access == "ro"} == {*readable, *counts}
    if counters:
        readable |= counts

    async def bench(context: Any) -> None:
        drive(context, registers, busy=1, done=0, error=1, cycles=0xFEDCBA98, layers=0x8001)
        if counters:
            drive(context, registers, **{register.name.lower(): count for register, count in counts.items()})
        for address in range(256):
            context.set(registers.address, address)
            await context.tick()
            assert context.get(registers.read_data) == readable.get(address, 0), hex(address)

    simulate(registers, bench)


def test_only_the_command_starts() -> None:
    """START acts for one cycle, at CONTROL alone, without reserved bits, while not busy."""
    registers = Registers()

    async def bench(context: Any) -> None:
        for busy in (0, 1):
            for address in range(256):
                for written in (0, 1, 2, 3, 1 << 31 | 1, 0xFFFFFFFF):
                    drive(context, registers, address=address, write_enable=1, write_data=written, busy=busy)
                    await context.tick()
                    begins = address == Register.CONTROL and written == 1 and not busy
                    assert context.get(registers.start) == begins, (busy, address, written)
        drive(context, registers, address=Register.CONTROL.value, write_data=1, write_enable=1, busy=0)
        await context.tick()
        assert context.get(registers.start)
        context.set(registers.write_enable, 0)
        await context.tick()
        assert not context.get(registers.start)

    simulate(registers, bench)


CONV = Opcode.CONV.value
# Weights are not packed here: the field that says how has to be 0 as other bits beyond the fields.
CONV_FIELDS = {name: place for name, place in isa.LAYOUTS[Opcode.CONV].fields.items() if name != "weight_packing"}
END = isa.descriptor_words({"opcode": Opcode.END.value})


class Host:
    """Loads descriptors into a sequencer, starts it and answers ``array.start`` as a unit would."""

    def __init__(self, accelerator: Accelerator = SMALL) -> None:
        self.sequencer = Sequencer(accelerator=accelerator)
        self.seen: list[dict[str, int]] = []

    async def load(self, context: Any, words: list[int]) -> None:
        for address, word in enumerate(words):
            drive(context, self.sequencer, write_enable=1, write_address=address, write_data=word)
            await context.tick()
        context.set(self.sequencer.write_enable, 0)

    async def start(self, context: Any) -> None:
        context.set(self.sequencer.start, 1)
        await context.tick()
        context.set(self.sequencer.start, 0)

    async def until(self, context: Any, name: str) -> int:
        """Cycles until an output is 1, or the engine is started."""
        for cycles in range(100):
            if context.get(self.sequencer.array.start if name == "start" else getattr(self.sequencer, name)):
                return cycles
            await context.tick()
        raise AssertionError(f"{name} stays 0")

    async def finish_layer(self, context: Any, after: int) -> None:
        """Check that nothing changes while the unit works, then report its end."""
        descriptor = self.sequencer.array.descriptor
        fields = {name: context.get(getattr(descriptor, name)) for name in CONV_FIELDS if name != "opcode"}
        self.seen.append(fields)
        await context.tick()
        for _ in range(after):
            assert not context.get(self.sequencer.array.start)
            assert context.get(self.sequencer.busy)
            assert all(context.get(getattr(descriptor, name)) == value for name, value in fields.items())
            await context.tick()
        context.set(self.sequencer.finished, 1)
        await context.tick()
        context.set(self.sequencer.finished, 0)

    def state(self, context: Any) -> tuple[int, int, int, int]:
        """(busy, done, error, layers)."""
        names = ("busy", "done", "error", "layers")
        return tuple(context.get(getattr(self.sequencer, name)) for name in names)  # type: ignore[return-value]


def random_fields(choose: random.Random) -> dict[str, int]:
    """A CONV descriptor whose every field fits SMALL, extremes included."""
    fields = {"opcode": CONV}
    for name in CONV_FIELDS:
        if name != "opcode":
            shape = Shape.cast(field_shape(name, SMALL))
            low, high = (
                (-(1 << shape.width - 1), (1 << shape.width - 1) - 1) if shape.signed else (0, (1 << shape.width) - 1)
            )
            fields[name] = choose.choice([low, high, choose.randint(low, high)])
    return fields


def test_descriptors_arrive_whole_in_order_and_stay() -> None:
    host, choose = Host(), random.Random(2)
    listed = [random_fields(choose) for _ in range(3)]

    async def bench(context: Any) -> None:
        await host.load(context, [word for fields in listed for word in isa.descriptor_words(fields)] + END)
        await host.start(context)
        for number in range(3):
            # Words are asked for one per cycle, and the descriptor is complete two cycles after the last.
            assert await host.until(context, "start") == DESCRIPTOR_WORDS + 1
            await host.finish_layer(context, after=choose.randint(1, 9))
            assert host.state(context) == (1, 0, 0, number + 1)
        await host.until(context, "done")
        assert host.state(context) == (0, 1, 0, 3)

    simulate(host.sequencer, bench)
    assert host.seen == [{name: value for name, value in fields.items() if name != "opcode"} for fields in listed]


def test_cycles_count_from_start_to_the_last_end_of_a_layer() -> None:
    host = Host()

    async def bench(context: Any) -> None:
        await host.load(context, isa.descriptor_words({"opcode": CONV}) + END)
        await host.start(context)
        fetch = await host.until(context, "start")
        await host.finish_layer(context, after=20)
        assert context.get(host.sequencer.cycles) == fetch + 22
        await host.until(context, "done")
        assert context.get(host.sequencer.cycles) == fetch + 22
        await host.start(context)
        assert context.get(host.sequencer.cycles) == 0

    simulate(host.sequencer, bench)


def spare_bits() -> list[int]:
    """Bits of a descriptor that must be 0 in SMALL: between the fields, and above what SMALL keeps of a field."""
    used = set(range(CONV_FIELDS["opcode"].field.width))
    for name, placed in CONV_FIELDS.items():
        if name != "opcode":
            used |= set(range(placed.offset, placed.offset + Shape.cast(field_shape(name, SMALL)).width))
    return sorted(set(range(DESCRIPTOR_WORDS * isa.WORD_BITS)) - used)


def faulty() -> list[tuple[str, int]]:
    found = [(f"opcode {code}", code) for code in range(2, 16)]
    found += [(f"{code.name} with bit {bit}", code.value | 1 << bit) for code in Opcode for bit in spare_bits()]
    # A negative zero-point that fits is sign extended; cut short, it is malformed.
    placed = CONV_FIELDS["in_zero_point"]
    found.append(("in_zero_point cut short", CONV | 0x80 << placed.offset))
    return found


def test_a_malformed_descriptor_ends_in_error_and_the_next_start_clears_it() -> None:
    host = Host()
    listed = faulty()
    assert len(listed) > 30

    async def bench(context: Any) -> None:
        for name, packed in listed:
            words = [packed >> isa.WORD_BITS * i & (1 << isa.WORD_BITS) - 1 for i in range(DESCRIPTOR_WORDS)]
            await host.load(context, words + END)
            await host.start(context)
            assert host.state(context) == (1, 0, 0, 0), name
            for _ in range(DESCRIPTOR_WORDS + 2):
                assert not context.get(host.sequencer.array.start), name
                await context.tick()
            assert host.state(context) == (0, 1, 1, 0), name
        await host.load(context, END)
        await host.start(context)
        assert host.state(context) == (1, 0, 0, 0)
        await host.until(context, "done")
        assert host.state(context) == (0, 1, 0, 0)

    simulate(host.sequencer, bench)


def test_a_start_while_busy_is_ignored() -> None:
    """In every cycle of a run, START changes nothing of it."""
    words = isa.descriptor_words(random_fields(random.Random(4))) * 2 + END
    traces = []
    for restarts in (False, True):
        host = Host()
        trace: list[tuple[int, ...]] = []

        async def bench(context: Any, host: Host = host, trace: list[Any] = trace, restarts: bool = restarts) -> None:
            await host.load(context, words)
            await host.start(context)
            context.set(host.sequencer.start, restarts)
            for cycle in range(80):
                if not context.get(host.sequencer.busy):
                    break
                context.set(host.sequencer.finished, cycle in (20, 40))
                trace.append((*host.state(context), context.get(host.sequencer.array.start)))
                if cycle == 60:
                    raise AssertionError("the sequencer does not end")
                context.set(host.sequencer.start, restarts and bool(context.get(host.sequencer.busy)))
                await context.tick()

        simulate(host.sequencer, bench)
        traces.append(trace)
    assert traces[0] == traces[1]
    assert traces[0][-1][3] == 2
