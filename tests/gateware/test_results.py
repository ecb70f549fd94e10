"""Results unit: groups of values become codes in memory, each in its cycle, through the records they name."""

from __future__ import annotations

import random
from typing import Any

import pytest

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArrayParameters, BufferParameters, RequantizerParameters
from hwq.gateware.results import Results
from tests.support.scalar import requantized
from tests.support.simulation import drive, simulate, wrapped


def random_record(choose: random.Random) -> dict[str, int]:
    return {
        "bias": choose.randint(-1000, 1000),
        "multiplier": choose.randint(1 << 30, (1 << 31) - 1),
        "shift": choose.randint(-12, 2),
    }


@pytest.mark.parametrize("columns,lanes", [(1, 1), (4, 2), (5, 5)])
def test_every_group_is_written_in_its_cycle(columns: int, lanes: int) -> None:
    accelerator = Accelerator(
        array=ArrayParameters(2, columns),
        requantizer=RequantizerParameters(lanes),
        buffers=BufferParameters(activations=512, channels=40, accumulators=6),
    )
    results, choose = Results(accelerator=accelerator), random.Random(columns)
    records = [random_record(choose) for _ in range(accelerator.record_words * lanes)]
    latency = 1 + accelerator.requantizer_latency

    async def load(context: Any) -> None:
        for address in range(accelerator.record_words):
            packed = [isa.RECORD.pack(record) for record in records[address * lanes : (address + 1) * lanes]]
            word = sum(record << isa.RECORD.bits * lane for lane, record in enumerate(packed))
            drive(context, results, record_write_enable=1, record_write_address=address, record_write_data=word)
            await context.tick()
        context.set(results.record_write_enable, 0)

    async def bench(context: Any) -> None:
        await load(context)
        for _ in range(4):
            await layer(context)

    async def layer(context: Any) -> None:
        low, high = choose.choice([(-128, 127), (-20, 30)])
        zero_point, count = choose.randint(-128, 127), choose.randint(1, 60)
        port = results.array
        drive(context, port, zero_point=zero_point, low=low, high=high)
        expected, written, done, ends = [], [], [], []
        values: list[int] = []
        cycle = sent = 0
        while cycle < 400 and (not done or cycle < done[0] + 5):
            # The values of the cycle before's group; in other cycles they are anything.
            for lane in range(lanes):
                context.set(port.values[lane], values[lane] if values else choose.randint(-(1 << 31), (1 << 31) - 1))
            values = []
            valid = sent < count and choose.random() < 0.7
            record, address = choose.randrange(accelerator.record_words), choose.randrange(512)
            mask = choose.getrandbits(lanes)
            sent += valid
            last = bool(valid) and sent == count
            # Nothing but ``valid`` says that a group is there.
            drive(context, port, valid=valid, record=record, address=address, mask=mask, last=last or not valid)
            if valid:
                reach = 1 << choose.choice([7, 12, 31])
                values = [choose.randint(-reach, reach - 1) for _ in range(lanes)]
                codes = {}
                for lane in range(lanes):
                    fields = records[record * lanes + lane]
                    total = wrapped(values[lane] + fields["bias"], 32)
                    code = requantized(total, fields["multiplier"], fields["shift"]) + zero_point
                    if mask >> lane & 1:
                        codes[lane] = min(max(code, low), high)
                expected.append((cycle + latency, address, mask, codes))
                if last:
                    ends.append(cycle + latency + accelerator.store_latency)
            if context.get(results.write.enable):
                data, lanes_written = context.get(results.write.data), context.get(results.write.mask)
                kept = {lane: int(data[lane]) for lane in range(lanes) if lanes_written >> lane & 1}
                written.append((cycle, context.get(results.write.address), lanes_written, kept))
            if context.get(results.done):
                done.append(cycle)
            await context.tick()
            cycle += 1
        assert written == expected
        assert done == ends and len(done) == 1

    simulate(results, bench)
