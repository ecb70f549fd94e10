"""Drain: hands finished accumulators to the results unit, group by group, with where their codes go."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Opcode
from hwq.gateware.descriptor import descriptor_signature
from hwq.gateware.nets import delay, net, select
from hwq.gateware.ports import element_address
from hwq.gateware.ram import address_bits

_FIELDS = (
    "tile_pixels",
    "blocks",
    "last_groups",
    "last_lanes",
    "pixels",
    "record_base",
    "out_base",
    "out_step",
)


class Drain(Component):
    """Takes ``lanes`` channels per cycle out of the accumulators, pixel by pixel.

    ``finished`` with ``finished_bank``, one cycle before the last sums of a job come out of the array, announces the
    job. Jobs come in the order of the address generator's walk, which the drain repeats with counters of its own: each
    cycle it issues one group of lanes of one pixel. With a job's last group, ``freed`` gives back ``freed_bank``.
    A job is begun one cycle after its accumulators may be read, or two after the last group of the job before. A cycle
    after its issue a group is ``valid``, with the word of its records, the element its codes go to, its lanes that
    exist, and whether it is the layer's ``last``; its ``values`` follow in the next cycle.

    Nothing stalls the drain.
    """

    module = "hwq_drain"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        columns, lanes = accelerator.array.columns, accelerator.lanes
        super().__init__(
            {
                "descriptor": In(descriptor_signature(accelerator, Opcode.CONV, *_FIELDS)),
                "start": In(1),
                "finished": In(1),
                "finished_bank": In(1),
                "freed": Out(1),
                "freed_bank": Out(1),
                "read_enable": Out(1),
                "read_bank": Out(1),
                "read_address": Out(address_bits(accelerator.buffers.accumulators)),
                "accumulators": In(data.ArrayLayout(signed(accelerator.arithmetic.accumulator_bits), columns)),
                "valid": Out(1),
                "last": Out(1),
                "record": Out(address_bits(accelerator.record_words)),
                "address": Out(element_address(accelerator)),
                "mask": Out(lanes),
                "values": Out(data.ArrayLayout(signed(accelerator.arithmetic.accumulator_bits), lanes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        accelerator, d = self._accelerator, self.descriptor
        columns, lanes = accelerator.array.columns, accelerator.lanes
        groups = columns // lanes

        # A job's accumulators may be read ``accumulate_latency`` cycles after its sums leave the array.
        full = Signal(2)
        finished = delay(m, self.finished, accelerator.accumulate_latency, "finished", reset_less=False)
        finished_bank = delay(m, self.finished_bank, accelerator.accumulate_latency, "finished_bank")
        for number in range(2):
            with m.If(finished & (finished_bank == number)):
                m.d.sync += full[number].eq(1)
            with m.Elif(self.freed & (self.freed_bank == number)):
                m.d.sync += full[number].eq(0)

        def plus(name: str, register: Signal, step: Any) -> Signal:
            return net(m, name, register + step, register.shape())

        # -- the walk: pixel tiles, blocks, pixels, lane groups -----------------------------------------------------
        active = Signal()
        bank = Signal()
        pixels_left = Signal(d.pixels.shape())
        block = Signal(d.blocks.shape())
        pixel = Signal(d.tile_pixels.shape())
        group = Signal(d.last_groups.shape())
        next_pixels_left = net(m, "next_pixels_left", pixels_left - d.tile_pixels, pixels_left.shape())
        next_block = plus("next_block", block, 1)
        next_pixel = plus("next_pixel", pixel, 1)
        next_group = plus("next_group", group, 1)
        # All that is asked of the walk while it goes on stands in flags that were made in the cycle before. What holds
        # for a whole job is looked at anew in every cycle: block and pixels change with a job's end, whose next cycle
        # is idle.
        block_first, block_last, tile_last = (Signal(name=name) for name in ("block_first", "block_last", "tile_last"))
        last_here = net(m, "last_here", next_block == d.blocks, 1)
        tile_fits = net(m, "tile_fits", pixels_left <= d.tile_pixels, 1)
        tile = Signal(d.tile_pixels.shape())
        count = Signal(d.last_groups.shape())
        count_here = net(m, "count_here", Mux(last_here, d.last_groups, groups), count.shape())
        m.d.sync += [
            block_first.eq(block == 0),
            block_last.eq(last_here),
            tile_last.eq(tile_fits),
            tile.eq(Mux(tile_fits, pixels_left, d.tile_pixels)),
            count.eq(count_here),
        ]
        pixel_last = Signal()
        group_last = Signal()
        one_pixel = net(m, "one_pixel", (pixels_left == 1) | (d.tile_pixels == 1), 1)
        pixel_after = net(m, "pixel_after", pixel + 2, len(pixel) + 1)
        group_after = net(m, "group_after", group + 2, len(group) + 1)
        with m.If(active):
            m.d.sync += group_last.eq(Mux(group_last, count == 1, group_after == count))
            with m.If(group_last):
                m.d.sync += pixel_last.eq(pixel_after == tile)
        with m.Else():
            m.d.sync += [group_last.eq(count_here == 1), pixel_last.eq(one_pixel)]
        job_end = net(m, "job_end", active & group_last & pixel_last, 1)
        with m.If(active):
            m.d.sync += group.eq(next_group)
            with m.If(group_last):
                m.d.sync += [group.eq(0), pixel.eq(next_pixel)]
            with m.If(job_end):
                m.d.sync += [active.eq(0), bank.eq(~bank), pixel.eq(0), block.eq(next_block)]
                with m.If(block_last):
                    m.d.sync += [block.eq(0), pixels_left.eq(next_pixels_left)]
        with m.Elif(Mux(bank, full[1], full[0])):
            m.d.sync += active.eq(1)
        with m.If(self.start):
            m.d.sync += [active.eq(0), bank.eq(0), block.eq(0), pixel.eq(0), group.eq(0), pixels_left.eq(d.pixels)]

        # -- addresses: of this group, this pixel, this block's first pixel, the next tile's first pixel --------------
        shape = self.address.shape()
        group_address, pixel_address, block_address, tile_address = (
            Signal(shape, name=f"{name}_address") for name in ("group", "pixel", "block", "tile")
        )
        next_group_address = plus("next_group_address", group_address, lanes)
        next_pixel_address = plus("next_pixel_address", pixel_address, d.out_step)
        beside = plus("block_beside", block_address, columns)
        # One past the last pixel of a tile's first block, the next tile begins.
        next_tile_address = Mux(block_first, next_pixel_address, tile_address)
        next_block_address = net(m, "next_block_address", Mux(block_last, next_tile_address, beside), shape)
        record_base, record = (Signal.like(self.record, name=name) for name in ("record_base", "group_record"))
        next_record = plus("next_record", record, 1)
        base_beside = plus("base_beside", record_base, groups)
        next_base = net(m, "next_base", Mux(block_last, d.record_base, base_beside), record_base.shape())
        with m.If(active):
            m.d.sync += [group_address.eq(next_group_address), record.eq(next_record)]
            with m.If(group_last):
                m.d.sync += [
                    group_address.eq(next_pixel_address),
                    pixel_address.eq(next_pixel_address),
                    record.eq(record_base),
                ]
            with m.If(job_end):
                m.d.sync += [
                    address.eq(next_block_address) for address in (group_address, pixel_address, block_address)
                ]
                m.d.sync += [record_base.eq(next_base), record.eq(next_base)]
                with m.If(block_first):
                    m.d.sync += tile_address.eq(next_pixel_address)
        with m.If(self.start):
            m.d.sync += [address.eq(d.out_base) for address in (group_address, pixel_address, block_address)]
            m.d.sync += [record_base.eq(d.record_base), record.eq(d.record_base)]

        lane_valid = Signal(lanes)
        m.d.comb += [lane_valid[lane].eq(~(block_last & group_last) | (d.last_lanes > lane)) for lane in range(lanes)]
        m.d.comb += [
            self.read_enable.eq(active),
            self.read_bank.eq(bank),
            self.read_address.eq(pixel),
            self.freed.eq(job_end),
            self.freed_bank.eq(bank),
        ]

        # -- the group, and what it holds -----------------------------------------------------------------------------
        group_1 = delay(m, group[: max(1, (groups - 1).bit_length())], 1, "group_delay")
        m.d.sync += [
            self.valid.eq(active),
            self.last.eq(job_end & block_last & tile_last),
            self.record.eq(record),
            self.address.eq(group_address),
            self.mask.eq(lane_valid),
        ]
        for lane in range(lanes):
            choices = [self.accumulators[g * lanes + lane] for g in range(groups)]
            m.d.sync += self.values[lane].eq(select(choices, group_1))
        return m
