"""The memories and their ports against flat arrays."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Space
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    RequantizerParameters,
    WeightPacking,
)
from hwq.gateware.accumulator import Accumulator
from hwq.gateware.activations import ActivationMemory
from hwq.gateware.load import LoadPort
from hwq.gateware.ram import Ram
from hwq.gateware.weights import WeightMemory
from hwq.schedule.images import load_beats
from tests.support.simulation import drive, numbers, simulate, wrapped


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_ram_reads_before_it_writes_and_writes_by_parts(depth: int) -> None:
    ram = Ram(width=12, depth=depth, granularity=4)
    choose = random.Random(depth)

    async def bench(context: Any) -> None:
        stored = [[0, 0, 0] for _ in range(depth)]
        for _ in range(300):
            read, write, enable = choose.randrange(depth), choose.randrange(depth), choose.getrandbits(3)
            parts = [choose.randrange(16) for _ in range(3)]
            drive(context, ram, read_address=read, write_address=write, write_enable=enable)
            context.set(ram.write_data, sum(part << 4 * place for place, part in enumerate(parts)))
            await context.tick()
            assert context.get(ram.read_data) == sum(part << 4 * place for place, part in enumerate(stored[read]))
            for place in range(3):
                if enable >> place & 1:
                    stored[write][place] = parts[place]

    simulate(ram, bench)


@pytest.mark.parametrize(
    "rows,elements", [(1, 16), (1, 20), (2, 16), (4, 64), (3, 40), (5, 100), (8, 16)], ids=lambda value: str(value)
)
def test_activation_memory_against_a_flat_array(rows: int, elements: int) -> None:
    """Runs that begin anywhere, read and written under random masks, across the end of the memory too."""
    accelerator = Accelerator(
        array=ArrayParameters(rows, 1), buffers=BufferParameters(activations=elements, weights=16, channels=1)
    )
    memory = ActivationMemory(accelerator=accelerator)
    word, size = accelerator.word, accelerator.word * accelerator.activation_words
    assert size >= elements
    choose = random.Random(elements)

    async def bench(context: Any) -> None:
        flat = np.zeros(size, np.int64)
        #: What the memory was when each read was presented, and writes that reads cannot see yet.
        expected: list[list[int]] = []
        waiting: list[list[tuple[int, int]]] = [[]]
        for cycle in range(1500):
            read = choose.choice([choose.randrange(size), size - choose.randint(1, word)])
            write = choose.choice([choose.randrange(size), size - choose.randint(1, word), read])
            enable, mask = choose.getrandbits(1), choose.getrandbits(word)
            codes = [choose.randint(-128, 127) for _ in range(word)]
            context.set(memory.read.address, read)
            drive(context, memory, write_address=write, write_enable=enable)
            drive(context, memory, write_mask=mask, write_data=codes)
            # A write is seen by reads presented two cycles after it.
            if len(waiting) == 2:
                for address, code in waiting.pop(0):
                    flat[address] = code
            places = range(word) if enable else ()
            waiting.append([((write + i) % size, codes[i]) for i in places if mask >> i & 1])
            expected.append([int(flat[(read + i) % size]) for i in range(word)])
            await context.tick()
            if cycle:
                assert numbers(context, memory.read.data) == expected[cycle - 1], f"cycle {cycle}"

    simulate(memory, bench)


def test_accumulators_start_anew_add_and_wrap() -> None:
    """Two banks at once, one adding, one drained; sums wrap at the accumulator's width."""
    accelerator = Accelerator(
        array=ArrayParameters(2, 3),
        arithmetic=ArithmeticParameters(psum_bits=9, accumulator_bits=10),
        buffers=BufferParameters(accumulators=5),
    )
    accumulator = Accumulator(accelerator=accelerator)
    choose = random.Random(11)

    async def bench(context: Any) -> None:
        wraps = 0
        stored = [[[0] * 3 for _ in range(5)] for _ in range(2)]
        sums = [0] * 3
        began: set[int] = set()
        for cycle in range(4000):
            # Banks change hands every 40 cycles, the last 2 of which add nothing: sums may be read after 3.
            bank, phase = cycle // 40 % 2, cycle % 40
            if phase == 0:
                began.clear()
            # Addresses come in turn, so that one returns after 5 cycles, or after 3 where fewer are in use.
            address = phase % (3 if cycle // 80 % 2 else 5)
            valid = phase < 38 and choose.random() < 0.9
            first = valid and (address not in began or choose.random() < 0.03)
            drain = choose.randrange(5)
            drive(context, accumulator, valid=valid, first=first, bank=bank, address=address, sums=sums)
            drive(context, accumulator, drain_enable=cycle >= 40, drain_bank=1 - bank, drain_address=drain)
            await context.tick()
            if cycle >= 80:
                assert numbers(context, accumulator.drain_data) == stored[1 - bank][drain], f"cycle {cycle}"
            # The sums follow what they belong to by a cycle; they change in others too.
            sums = [choose.randint(-256, 255) for _ in range(3)]
            if valid:
                began.add(address)
                exact = [(0 if first else old) + new for old, new in zip(stored[bank][address], sums, strict=True)]
                stored[bank][address] = [wrapped(value, 10) for value in exact]
                wraps += stored[bank][address] != exact
        assert wraps > 50

    simulate(accumulator, bench)


def test_weight_memory_rewinds_and_advances() -> None:
    accelerator = Accelerator(
        array=ArrayParameters(2, 3),
        arithmetic=ArithmeticParameters(weight_bits=5),
        buffers=BufferParameters(weights=60),
    )
    memory = WeightMemory(accelerator=accelerator)
    choose = random.Random(5)
    rows = [[choose.randint(-16, 15) for _ in range(3)] for _ in range(accelerator.weight_words)]

    async def bench(context: Any) -> None:
        for address, row in enumerate(rows):
            packed = sum((value & 31) << 5 * place for place, value in enumerate(row))
            drive(context, memory, write_enable=1, write_address=address, write_data=packed)
            await context.tick()
        drive(context, memory, write_enable=0)
        following = 0
        expected: list[list[int] | None] = []
        for cycle in range(500):
            rewind = cycle == 0 or following == len(rows) or choose.random() < 0.1
            advance = rewind or choose.random() < 0.7
            base = choose.randrange(len(rows))
            drive(context, memory.read, advance=advance, rewind=rewind, base=base)
            read = base if rewind else following
            expected.append(rows[read] if advance else None)
            following = read + 1 if advance else following
            await context.tick()
            if cycle and expected[cycle - 1] is not None:
                assert numbers(context, memory.read.weights) == expected[cycle - 1]

    simulate(memory, bench)


@pytest.mark.parametrize("bits", [1, 3, 4, 6, 8])
def test_weight_memory_unpacks_rows(bits: int) -> None:
    """Words of one row and of several in turn, as runs of layers have them."""
    accelerator = Accelerator(
        array=ArrayParameters(2, 3),
        arithmetic=ArithmeticParameters(weight_bits=bits, weight_packing=WeightPacking.LAYER),
        buffers=BufferParameters(weights=60),
    )
    memory = WeightMemory(accelerator=accelerator)
    choose = random.Random(bits)
    words = [choose.getrandbits(3 * bits) for _ in range(accelerator.weight_words)]

    def row(position: int, packing: int) -> list[int]:
        """What a part of each column's place stands for, by arithmetic."""
        word, number = divmod(position, 2**packing)
        width = bits // 2**packing
        parts = [words[word] // 2 ** (bits * column + width * number) % 2**width for column in range(3)]
        return [2 * part - 1 if width == 1 else part - 2**width * (part >= 2 ** (width - 1)) for part in parts]

    async def bench(context: Any) -> None:
        for address, word in enumerate(words):
            drive(context, memory, write_enable=1, write_address=address, write_data=word)
            await context.tick()
        drive(context, memory, write_enable=0)
        following, packing = 0, 0
        expected: list[list[int] | None] = [None]
        for cycle in range(600):
            ended = cycle == 0 or following == len(words) << packing
            # Only where nothing is on its way: a layer has one packing.
            rewind = expected[-1] is None and (ended or choose.random() < 0.05)
            if rewind:
                packing = choose.randrange(bits.bit_length())
                following = choose.randrange(len(words)) << packing
                if accelerator.packs_weights:
                    drive(context, memory.read, packing=packing)
            advance = rewind or (not ended and choose.random() < 0.7)
            drive(context, memory.read, advance=advance, rewind=rewind, base=following >> packing)
            expected.append(row(following, packing) if advance else None)
            following += advance
            await context.tick()
            if expected[cycle] is not None:
                assert numbers(context, memory.read.weights) == expected[cycle]

    simulate(memory, bench)


@pytest.mark.parametrize("gaps", [False, True], ids=["no gaps", "gaps"])
@pytest.mark.parametrize("busy", [False, True], ids=["never busy", "busy at times"])
@pytest.mark.parametrize("size", [(1, 1), (16, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_load_port_writes_each_word_once(size: tuple[int, int], busy: bool, gaps: bool) -> None:
    """Words of one beat and of several, for every memory; a beat offered while busy waits and is not lost."""
    accelerator = Accelerator(ArrayParameters(*size), requantizer=RequantizerParameters(lanes=size[1]))
    port = LoadPort(accelerator=accelerator)
    beats_per_word = {space: -(-bits // isa.WORD_BITS) for space, bits in accelerator.word_bits.items()}
    if size == (16, 24):
        assert (min(beats_per_word.values()), max(beats_per_word.values())) == (1, 26)
    choose = random.Random(13)
    words = [
        (space, choose.randrange(accelerator.words[space]), choose.getrandbits(accelerator.word_bits[space]))
        for space in choose.choices(list(Space), k=60)
    ]
    beats = [beat for space, address, word in words for beat in load_beats(accelerator, space, address, [word])]
    written: list[tuple[Space, int, int]] = []

    async def offer(context: Any) -> None:
        for beat in beats:
            while gaps and choose.random() < 0.3:
                context.set(port.beats.valid, 0)
                context.set(port.busy, busy and choose.random() < 0.3)
                context.set(port.beats.payload.as_value(), choose.getrandbits(accelerator.beat.bits))
                await context.tick()
            context.set(port.beats.valid, 1)
            context.set(port.beats.payload.as_value(), beat)
            for _ in range(100):
                stalled = busy and choose.random() < 0.3
                context.set(port.busy, stalled)
                assert context.get(port.beats.ready) == (not stalled)
                await context.tick()
                if not stalled:
                    break
            else:
                raise AssertionError("the port never took a beat")
        context.set(port.beats.valid, 0)
        await context.tick()

    async def watch(context: Any) -> None:
        while True:
            await context.tick()
            for space in Space:
                name = space.name.lower()
                if context.get(getattr(port, f"{name}_enable")):
                    written.append((space, context.get(port.address), context.get(getattr(port, f"{name}_data"))))

    simulate(port, offer, watch)
    assert written == words
