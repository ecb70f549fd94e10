"""Drain against its walk written as loops: what it reads, hands on and gives back, and in which cycle."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArrayParameters, BufferParameters, RequantizerParameters
from hwq.gateware.drain import Drain
from tests.support.simulation import drive, numbers, simulate

RECORDS = 64


def random_layer(choose: random.Random, accelerator: Accelerator) -> dict[str, int]:
    """Descriptor fields of a layer: one or more tiles and blocks, the last ones full or not."""
    groups, blocks = accelerator.array.columns // accelerator.lanes, choose.randint(1, 3)
    last_groups, last_lanes = choose.randint(1, groups), choose.randint(1, accelerator.lanes)
    channels = ((blocks - 1) * groups + last_groups - 1) * accelerator.lanes + last_lanes
    return {
        "tile_pixels": choose.randint(1, 6),
        "pixels": choose.randint(1, 13),
        "blocks": blocks,
        "last_groups": last_groups,
        "last_lanes": last_lanes,
        "record_base": choose.randint(0, accelerator.record_words - blocks * groups),
        "out_base": choose.randrange(1 << accelerator.element_address_bits),
        "out_step": channels + choose.choice([0, 0, 5]),
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
    choose: random.Random
    jobs: list[Job] = field(default_factory=list)
    reads: list[tuple[int, int, int]] = field(default_factory=list)
    freed: list[tuple[int, int]] = field(default_factory=list)
    groups: list[tuple[int, int, int, int, bool]] = field(default_factory=list)
    values: list[tuple[int, list[int]]] = field(default_factory=list)

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
                address = f["out_base"] + (job.first_pixel + pixel) * f["out_step"] + channel
                self.reads.append((now, job.bank, pixel))
                last = number == len(self.jobs) - 1 and pixel == len(job.accumulators) - 1 and group == count - 1
                record = f["record_base"] + job.block * groups + group
                address %= 1 << a.element_address_bits
                self.groups.append((now + 1, record, address, (1 << valid) - 1, last))
                self.values.append((now + a.drain_latency, sums[group * lanes : (group + 1) * lanes]))
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

    async def run(context: Any, layer: Layer) -> None:
        for name, value in layer.fields.items():
            context.set(getattr(drain.descriptor, name), value)
        context.set(drain.start, 1)
        await context.tick()
        context.set(drain.start, 0)
        reads, freed, groups, values = [], [], [], []
        announced, asked = 0, None
        for cycle in range(3000):
            if groups and groups[-1][0] == cycle - 1:
                values.append((cycle, numbers(context, drain.values)))
            if context.get(drain.valid):
                found = (context.get(getattr(drain, name)) for name in ("record", "address", "mask", "last"))
                groups.append((cycle, *found))
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
            if announced == len(layer.jobs) and cycle > layer.groups[-1][0] + 5:
                break
            await context.tick()
        else:
            raise AssertionError("the drain does not end")
        assert reads == layer.reads
        assert freed == layer.freed
        assert groups == layer.groups
        assert values == layer.values

    async def bench(context: Any) -> None:
        for _ in range(6):
            await run(context, Layer(accelerator, random_layer(choose, accelerator), choose))

    simulate(drain, bench)
