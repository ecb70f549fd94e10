"""Drain against its walk written as loops: what it reads, writes and gives back, and in which cycle."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArrayParameters, BufferParameters, RequantizerParameters
from hwq.gateware.drain import Drain
from tests.support.scalar import requantized
from tests.support.simulation import drive, simulate, wrapped

RECORDS = 64


def random_layer(choose: random.Random, accelerator: Accelerator) -> dict[str, int]:
    """Descriptor fields of a layer: one or more tiles and blocks, the last ones full or not."""
    groups, blocks = accelerator.array.columns // accelerator.lanes, choose.randint(1, 3)
    last_groups, last_lanes = choose.randint(1, groups), choose.randint(1, accelerator.lanes)
    channels = ((blocks - 1) * groups + last_groups - 1) * accelerator.lanes + last_lanes
    low, high = choose.choice([(-128, 127), (-20, 30)])
    return {
        "tile_pixels": choose.randint(1, 6),
        "pixels": choose.randint(1, 13),
        "blocks": blocks,
        "last_groups": last_groups,
        "last_lanes": last_lanes,
        "record_base": choose.randint(0, accelerator.record_words - blocks * groups),
        "out_base": choose.randrange(1 << accelerator.element_address_bits),
        "out_step": channels + choose.choice([0, 0, 5]),
        "out_zero_point": choose.randint(-128, 127),
        "low": low,
        "high": high,
    }


def random_record(choose: random.Random) -> dict[str, int]:
    return {
        "bias": choose.randint(-1000, 1000),
        "multiplier": choose.randint(1 << 30, (1 << 31) - 1),
        "shift": choose.randint(-12, 2),
    }


@dataclass
class Job:
    """One block over one tile: its accumulators [pixel][column], and where and through which records they go."""

    bank: int
    accumulators: list[list[int]]
    block: int
    first_pixel: int


@dataclass
class Layer:
    """The walk of one layer, and the events that it leads to as (cycle, ...)."""

    accelerator: Accelerator
    fields: dict[str, int]
    records: list[dict[str, int]]
    choose: random.Random
    jobs: list[Job] = field(default_factory=list)
    reads: list[tuple[int, int, int]] = field(default_factory=list)
    freed: list[tuple[int, int]] = field(default_factory=list)
    writes: list[tuple[int, int, int, list[int]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        f = self.fields
        for first in range(0, f["pixels"], f["tile_pixels"]):
            count = min(f["tile_pixels"], f["pixels"] - first)
            for block in range(f["blocks"]):
                reach = 1 << self.choose.choice([7, 12, 31])
                sums = [
                    [self.choose.randint(-reach, reach - 1) for _ in range(self.accelerator.array.columns)]
                    for _ in range(count)
                ]
                self.jobs.append(Job(len(self.jobs) % 2, sums, block, first))

    def announce(self, number: int, cycle: int) -> None:
        """Job ``number`` is announced in ``cycle``: all that follows from it."""
        a, f, job = self.accelerator, self.fields, self.jobs[number]
        lanes = a.lanes
        groups = a.array.columns // lanes
        last_block = job.block == f["blocks"] - 1
        readable = cycle + 1 + a.accumulate_latency
        now = max(readable + 1, self.freed[-1][0] + 2 if self.freed else 0)
        for pixel, sums in enumerate(job.accumulators):
            count = f["last_groups"] if last_block else groups
            for group in range(count):
                valid = f["last_lanes"] if last_block and group == count - 1 else lanes
                channel = (job.block * groups + group) * lanes
                codes = []
                for lane in range(valid):
                    record = self.records[f["record_base"] * lanes + channel + lane]
                    total = wrapped(sums[group * lanes + lane] + record["bias"], 32)
                    code = requantized(total, record["multiplier"], record["shift"]) + f["out_zero_point"]
                    codes.append(min(max(code, f["low"]), f["high"]))
                address = f["out_base"] + (job.first_pixel + pixel) * f["out_step"] + channel
                self.reads.append((now, job.bank, pixel))
                written = now + a.drain_latency + a.requantizer_latency
                self.writes.append((written, address % (1 << a.element_address_bits), (1 << valid) - 1, codes))
                now += 1
        self.freed.append((now - 1, job.bank))


@pytest.mark.parametrize("patience", [0.05, 1.0], ids=["jobs far apart", "jobs at once"])
@pytest.mark.parametrize("columns,lanes", [(1, 1), (4, 1), (6, 2), (5, 5)])
def test_every_group_in_its_cycle(columns: int, lanes: int, patience: float) -> None:
    accelerator = Accelerator(
        array=ArrayParameters(2, columns),
        requantizer=RequantizerParameters(lanes),
        buffers=BufferParameters(activations=512, channels=RECORDS, accumulators=6),
    )
    drain = Drain(accelerator=accelerator)
    choose = random.Random(columns)
    records = [random_record(choose) for _ in range(accelerator.record_words * lanes)]

    async def load(context: Any) -> None:
        for address in range(accelerator.record_words):
            packed = [isa.RECORD.pack(record) for record in records[address * lanes : (address + 1) * lanes]]
            word = sum(record << isa.RECORD.bits * lane for lane, record in enumerate(packed))
            drive(context, drain, record_write_enable=1, record_write_address=address, record_write_data=word)
            await context.tick()
        context.set(drain.record_write_enable, 0)

    async def run(context: Any, layer: Layer) -> None:
        for name, value in layer.fields.items():
            context.set(getattr(drain.descriptor, name), value)
        context.set(drain.start, 1)
        await context.tick()
        context.set(drain.start, 0)
        reads, freed, writes, done = [], [], [], []
        announced, asked = 0, None
        for cycle in range(3000):
            if context.get(drain.write_enable):
                mask, codes = context.get(drain.write_mask), context.get(drain.write_data)
                kept = [int(codes[lane]) for lane in range(lanes) if mask >> lane & 1]
                writes.append((cycle, context.get(drain.write_address), mask, kept))
            if context.get(drain.done):
                done.append(cycle)
            # The accumulators answer a read in the next cycle, and say anything in others.
            answer = [choose.randint(-(1 << 31), (1 << 31) - 1) for _ in range(columns)]
            if asked is not None:
                # The bank holds the job that was announced last for it.
                job = next(job for job in reversed(layer.jobs[:announced]) if job.bank == asked[0])
                answer = job.accumulators[asked[1]]
            context.set(drain.accumulators, answer)
            asked = None
            if context.get(drain.read_enable):
                asked = context.get(drain.read_bank), context.get(drain.read_address)
                reads.append((cycle, *asked))
            if context.get(drain.freed):
                freed.append((cycle, context.get(drain.freed_bank)))
            # A bank is filled again only after it was given back, and its last accumulators have been answered.
            open_banks = announced < 2 or (len(freed) > announced - 2 and cycle > freed[announced - 2][0] + 1)
            announces = announced < len(layer.jobs) and open_banks and choose.random() < patience
            drive(context, drain, finished=announces, finished_bank=announced % 2)
            if announces:
                layer.announce(announced, cycle)
                announced += 1
            if announced == len(layer.jobs) and cycle > layer.writes[-1][0] + 5:
                break
            await context.tick()
        else:
            raise AssertionError("the drain does not end")
        assert reads == layer.reads
        assert freed == layer.freed
        assert writes == layer.writes
        assert done == [layer.writes[-1][0] + accelerator.store_latency]

    async def bench(context: Any) -> None:
        await load(context)
        for _ in range(6):
            await run(context, Layer(accelerator, random_layer(choose, accelerator), records, choose))

    simulate(drain, bench)
