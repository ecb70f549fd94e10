"""Pixel stream: walks an image once for each block of channels, and says when the window holds what an output needs."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Opcode
from hwq.gateware.descriptor import descriptor_signature, width_of
from hwq.gateware.nets import delay, net
from hwq.gateware.ports import element_address
from hwq.gateware.ram import address_bits

_FIELDS = (
    "last_groups",
    "more_blocks",
    "more_down",
    "more_across",
    "y_start",
    "in_height",
    "column_start",
    "in_width",
    "y_step",
    "column_step",
    "first_gap",
    "row_gap",
    "in_step",
    "in_first",
)

#: Cycles from the issue of a pixel to the window that holds it.
_TO_WINDOW = 3


class PixelStream(Component):
    """Issues the pixels of one DWCONV descriptor, block by block, and the groups of lanes of its outputs.

    ``start`` begins the first block's load of weights one cycle later: ``load`` in as many cycles as there are taps,
    ``rewind`` with the first of all. The block's first pixel is issued after the last of them, and with it the next
    block's load begins. A pixel takes one cycle, the last one that an output needs a cycle for each group of the block.
    The next block follows in the cycle after the last group, or after the last ``load`` where that is later. Pixels
    come in the order of memory, rows below the image too; a block ends with its last output.

    Outputs, counted in cycles from the issue of a pixel or a group:

    - at 0, ``address``, the pixel's first element;
    - at 1, ``enter``, in its first cycle, and ``column``, its place in its row, where the window has several rows;
    - at 2, ``swap``, with a block's first pixel: its weights are those loaded;
    - at 3, ``covered``, the taps that lie in the image; ``emit`` with each group, ``group`` its number, where there are
      several, ``output_end`` and ``block_end`` with the last one of an output and of a block, and ``partial`` with the
      last one of an output of the last block.

    Nothing stalls it.
    """

    module = "hwq_depthwise_stream"

    def __init__(self, *, accelerator: Accelerator) -> None:
        assert accelerator.depthwise is not None
        self._parameters, self._vector = accelerator.depthwise, accelerator.depthwise_vector
        self._groups = self._vector // accelerator.lanes
        column = {"column": Out(address_bits(self._parameters.line))} if self._parameters.rows > 1 else {}
        group = {"group": Out((self._groups - 1).bit_length())} if self._groups > 1 else {}
        super().__init__(
            {
                "descriptor": In(descriptor_signature(accelerator, Opcode.DWCONV, *_FIELDS)),
                "start": In(1),
                "load": Out(1),
                "rewind": Out(1),
                "swap": Out(1),
                "address": Out(element_address(accelerator)),
                **column,
                "enter": Out(1),
                "covered": Out(self._parameters.taps),
                "emit": Out(1),
                **group,
                "output_end": Out(1),
                "block_end": Out(1),
                "partial": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        d = self.descriptor

        def plus(name: str, register: Signal, step: Any) -> Signal:
            return net(m, name, register + step, register.shape())

        # -- blocks: one begins when the one before has issued its last group and its own weights are on their way
        streaming = Signal()
        waiting = Signal()
        block_last = Signal()
        next_block_last = Signal()
        stream_end = Signal()
        loaded = Signal()
        begin = net(m, "block_begins", (waiting | (stream_end & ~block_last)) & loaded, 1)
        blocks_left = Signal(d.more_blocks.shape())
        fewer_blocks = plus("fewer_blocks", blocks_left, -1)
        last_group = Signal(d.last_groups.shape())
        partial_group = plus("partial_group", d.last_groups, -1)
        with m.If(stream_end):
            m.d.sync += [streaming.eq(0), waiting.eq(~block_last)]
        with m.If(begin):
            m.d.sync += [
                streaming.eq(1),
                waiting.eq(0),
                block_last.eq(next_block_last),
                blocks_left.eq(fewer_blocks),
                next_block_last.eq(blocks_left == 1),
                last_group.eq(Mux(next_block_last, partial_group, self._groups - 1)),
            ]
        with m.If(self.start):
            m.d.sync += [waiting.eq(1), blocks_left.eq(d.more_blocks), next_block_last.eq(d.more_blocks == 0)]
        self._load(m, begin, next_block_last, loaded)

        # -- steps and groups: flags say what a comparison would say too late -----------------------------------------
        emits = Signal()
        group = Signal(d.last_groups.shape(), name="group_number")
        next_group = plus("next_group", group, 1)
        group_last = net(m, "group_last", group == last_group, 1)
        emit = net(m, "emitting", streaming & emits, 1)
        step_end = net(m, "step_end", streaming & (~emits | group_last), 1)
        output_end = net(m, "output_ending", emit & group_last, 1)
        across_last = self._count(m, "across", begin, output_end, d.more_across)
        row_end = net(m, "row_end", output_end & across_last, 1)
        down_last = self._count(m, "down", begin, row_end, d.more_down)
        m.d.comb += stream_end.eq(row_end & down_last)
        with m.If(emit):
            m.d.sync += group.eq(Mux(group_last, 0, next_group))

        gap_left = Signal(d.first_gap.shape())
        less_gap = plus("less_gap", gap_left, -1)
        with m.If(step_end):
            with m.If(~emits):
                m.d.sync += [gap_left.eq(less_gap), emits.eq(gap_left == 2)]
            with m.Elif(across_last):
                m.d.sync += [gap_left.eq(d.row_gap), emits.eq(d.row_gap == 1)]
            with m.Else():
                m.d.sync += [gap_left.eq(d.column_step), emits.eq(d.column_step == 1)]
        with m.If(begin):
            m.d.sync += [gap_left.eq(d.first_gap), emits.eq(d.first_gap == 1)]

        # -- addresses ------------------------------------------------------------------------------------------------
        block_address = Signal.like(self.address)
        next_address = plus("next_address", self.address, d.in_step)
        block_beside = plus("block_beside", block_address, self._vector)
        with m.If(step_end):
            m.d.sync += self.address.eq(next_address)
        with m.If(begin):
            m.d.sync += [self.address.eq(block_address), block_address.eq(block_beside)]
        with m.If(self.start):
            m.d.sync += block_address.eq(d.in_first)
        if self._parameters.rows > 1:
            column = Signal.like(self.column, name="pixel_column")
            next_column = net(m, "next_column", column + 1, len(column) + 1)
            after = Mux(next_column == d.in_width, 0, next_column[: len(column)])
            with m.If(step_end):
                m.d.sync += column.eq(after)
            with m.If(begin):
                m.d.sync += column.eq(0)
            m.d.comb += self.column.eq(delay(m, column, 1, "column"))

        # -- what goes with pixels and groups -------------------------------------------------------------------------
        self._inside(m, begin, output_end, row_end)
        entering = net(m, "entering", streaming & (group == 0), 1)
        m.d.comb += [
            self.enter.eq(delay(m, entering, 1, "enter", reset_less=False)),
            # The cycle of ``begin`` is the one before the first pixel's issue.
            self.swap.eq(delay(m, begin, 3, "swap", reset_less=False)),
            self.emit.eq(delay(m, emit, _TO_WINDOW, "emit", reset_less=False)),
            self.output_end.eq(delay(m, output_end, _TO_WINDOW, "output_end")),
            self.block_end.eq(delay(m, stream_end, _TO_WINDOW, "block_end")),
            self.partial.eq(delay(m, block_last & group_last, _TO_WINDOW, "partial")),
        ]
        if self._groups > 1:
            m.d.comb += self.group.eq(delay(m, group[: len(self.group)], _TO_WINDOW, "group"))
        return m

    def _load(self, m: Module, begin: Signal, next_block_last: Signal, loaded: Signal) -> None:
        """Weights of the block to come, one word a cycle, from the first cycle of the block before."""
        taps = self._parameters.taps
        loading = Signal()
        fresh = Signal()
        beat = Signal(max(1, (taps - 1).bit_length()))
        next_beat = net(m, "next_beat", beat + 1, beat.shape())
        load_last = net(m, "load_last", beat == taps - 1, 1)
        with m.If(loading):
            m.d.sync += [beat.eq(next_beat), fresh.eq(0)]
            with m.If(load_last):
                m.d.sync += [beat.eq(0), loading.eq(0)]
        with m.If(begin):
            m.d.sync += loading.eq(~next_block_last)
        with m.If(self.start):
            m.d.sync += [loading.eq(1), fresh.eq(1)]
        m.d.comb += [loaded.eq(~loading | load_last), self.load.eq(loading), self.rewind.eq(fresh)]

    def _count(self, m: Module, name: str, begin: Signal, step: Signal, more: Any) -> Signal:
        """A flag for the last of ``more`` and one steps, which then begin anew, as they do after ``begin``."""
        left, last = Signal(more.shape(), name=f"{name}_left"), Signal(name=f"{name}_last")
        less = net(m, f"{name}_less", left - 1, left.shape())
        with m.If(begin | (step & last)):
            m.d.sync += [left.eq(more), last.eq(more == 0)]
        with m.Elif(step):
            m.d.sync += [left.eq(less), last.eq(left == 1)]
        return last

    def _inside(self, m: Module, begin: Signal, output_end: Signal, row_end: Signal) -> None:
        """Which taps of the output at hand lie in the image: three cycles of sums and comparisons."""
        d, rows, columns = self.descriptor, self._parameters.rows, self._parameters.columns
        # Positions reach from one window before the image to one behind it.
        x = Signal(signed(width_of("in_width") + 2))
        y = Signal(signed(width_of("in_height") + 2))
        next_x = net(m, "next_x", x + d.column_step, x.shape())
        next_y = net(m, "next_y", y + d.y_step, y.shape())
        with m.If(output_end):
            m.d.sync += x.eq(next_x)
        with m.If(row_end):
            m.d.sync += [x.eq(d.column_start), y.eq(next_y)]
        with m.If(begin):
            m.d.sync += [x.eq(d.column_start), y.eq(d.y_start)]

        def lies(name: str, start: Signal, count: int, size: Any) -> list[Signal]:
            flags = []
            for place in range(count):
                position = Signal(start.shape(), name=f"{name}_{place}")
                flag = Signal(name=f"{name}_{place}_inside")
                sum_ = net(m, f"{name}_{place}_sum", start + place, start.shape())
                m.d.sync += [position.eq(sum_), flag.eq(~position[-1] & (position < size))]
                flags.append(flag)
            return flags

        in_columns, in_rows = lies("x", x, columns, d.in_width), lies("y", y, rows, d.in_height)
        m.d.sync += self.covered.eq(Cat(row & column for row in in_rows for column in in_columns))
