"""The pooling engine: sums and maxima over windows, one vector of channels a cycle; windows of one position copy."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.pooling import LATENCY, SUM_BITS
from hwq.arch.isa import Opcode
from hwq.gateware.descriptor import width_of
from hwq.gateware.nets import delay, net
from hwq.gateware.ports import command_signature, read_signature, result_signature

#: Fraction bits that a value gets on its way to the requantizer, for the division of an average.
_FRACTION = 8


@dataclass(frozen=True)
class _Walk:
    """Where the walk is: whether a position is taken, and of what it is the last.

    ``first`` is the first position of a window; ``line_last`` and ``turn`` are the last one of a row of windows and of
    a block.
    """

    step: Signal
    first: Signal
    column_last: Signal
    row_last: Signal
    window_last: Signal
    line_last: Signal
    turn: Signal
    block_last: Signal


class PoolingEngine(Component):
    """Executes POOL: ``value = sum or maximum over a window's positions of (code if inside the input else fill)``.

    Channels are taken in blocks of ``vector``; the walk, outermost first, is blocks, output rows, output pixels, rows
    and columns of the window: one position a cycle, from the cycle after ``start`` on. Every address and position is
    kept by addition, modulo its memory. Values reach the requantizer times 256, or as they are where ``unscaled``; the
    record of a window that lacks ``r`` rows and ``c`` columns lies ``r * record_row_step + c * record_column_step``
    behind ``record_base``.

    `LATENCY` cycles after its last position a window gives its groups, one a cycle, while the next one's positions come
    in. The only thing that waits is a window's last position: for the cycle after that in which the window before has
    its last group, so that windows of fewer positions than groups follow one another by their groups.
    """

    module = "hwq_pooling_engine"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        super().__init__(
            {
                "command": In(command_signature(accelerator, Opcode.POOL)),
                "read": Out(read_signature(accelerator, accelerator.vector)),
                "result": Out(result_signature(accelerator)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # Whether the window before has groups to give yet.
        busy = Signal()
        walk = self._walk(m, busy)
        window_end = net(m, "window_end", walk.step & walk.window_last, 1)
        self._address(m, walk)
        column_out, row_out = self._outside(m, walk)

        step_2 = delay(m, walk.step, 2, "step", reset_less=False)
        first_2 = delay(m, walk.first, 2, "first")
        record = self._record(m, walk, step_2, first_2, column_out, row_out)
        # With the codes comes whether they count.
        outside_2 = Signal()
        m.d.sync += outside_2.eq(column_out | row_out)
        step_3 = delay(m, step_2, 1, "step_3", reset_less=False)
        first_3 = delay(m, first_2, 1, "first_3")
        self._values(m, outside_2, step_3, first_3, delay(m, window_end, LATENCY, "take"))
        self._groups(m, walk, window_end, busy, record)
        d, result = self.command.descriptor, self.result
        m.d.comb += [result.zero_point.eq(d.out_zero_point), result.low.eq(d.low), result.high.eq(d.high)]
        return m

    def _walk(self, m: Module, busy: Signal) -> _Walk:
        """Five counters, one in the other; a flag of its own, not a comparison, says when one is at its last."""
        start, d = self.command.start, self.command.descriptor
        running = Signal()
        first = Signal(init=1)
        column_last, row_last, across_last, down_last, block_last = lasts = [
            Signal(name=f"{name}_last") for name in ("column", "row", "across", "down", "block")
        ]
        window_last = net(m, "window_last", column_last & row_last, 1)
        line_last = net(m, "line_last", window_last & across_last, 1)
        turn = net(m, "turn", line_last & down_last, 1)
        step = net(m, "step", running & ~(window_last & busy), 1)
        with m.If(start):
            m.d.sync += running.eq(1)
        with m.Elif(step & turn & block_last):
            m.d.sync += running.eq(0)
        with m.If(step):
            m.d.sync += first.eq(window_last)

        mores = (d.more_columns, d.more_rows, d.more_across, d.more_down, d.more_blocks)
        inner = (Const(1, 1), column_last, window_last, line_last, turn)
        for last, more, carry in zip(lasts, mores, inner, strict=True):
            name = last.name.removesuffix("_last")
            left = Signal(more.shape(), name=f"{name}_left")
            less = net(m, f"{name}_less", left - 1, left.shape())
            with m.If(start | (step & carry & last)):
                m.d.sync += [left.eq(more), last.eq(more == 0)]
            with m.Elif(step & carry):
                m.d.sync += [left.eq(less), last.eq(left == 1)]
        return _Walk(step, first, column_last, row_last, window_last, line_last, turn, block_last)

    def _address(self, m: Module, walk: _Walk) -> None:
        """One address, and how far it is from each position to the next."""
        d, address = self.command.descriptor, Signal.like(self.read.address, name="position_address")
        inside = Mux(walk.column_last, d.row_elements, d.column_elements)
        beyond = Mux(walk.turn, d.block_elements, Mux(walk.line_last, d.line_elements, d.pixel_elements))
        distance = net(m, "distance", Mux(walk.window_last, beyond, inside), address.shape())
        following = net(m, "next_address", address + distance, address.shape())
        with m.If(self.command.start):
            m.d.sync += address.eq(d.in_base)
        with m.Elif(walk.step):
            m.d.sync += address.eq(following)
        m.d.comb += self.read.address.eq(address)

    def _outside(self, m: Module, walk: _Walk) -> tuple[Signal, Signal]:
        """Whether a position's column, and its row, lie outside the input, one cycle after its issue."""
        d = self.command.descriptor
        # From the farthest before the input to the farthest behind it.
        shape = signed(width_of("in_width") + 2)
        column, window_column, row, line_row = (
            Signal(shape, name=name) for name in ("column", "window_column", "row", "line_row")
        )
        next_column = net(m, "next_column", column + 1, shape)
        next_window = net(m, "next_window", window_column + d.column_step, shape)
        next_row = net(m, "next_row", row + 1, shape)
        next_line = net(m, "next_line", line_row + d.y_step, shape)
        with m.If(walk.step):
            m.d.sync += column.eq(next_column)
            with m.If(walk.column_last):
                m.d.sync += [column.eq(window_column), row.eq(next_row)]
            with m.If(walk.window_last):
                m.d.sync += [column.eq(next_window), window_column.eq(next_window), row.eq(line_row)]
            with m.If(walk.line_last):
                m.d.sync += [column.eq(d.column_start), window_column.eq(d.column_start)]
                m.d.sync += [row.eq(next_line), line_row.eq(next_line)]
        with m.If(self.command.start | (walk.step & walk.turn)):
            m.d.sync += [column.eq(d.column_start), window_column.eq(d.column_start)]
            m.d.sync += [row.eq(d.y_start), line_row.eq(d.y_start)]
        column_out = Signal()
        row_out = Signal()
        m.d.sync += [
            column_out.eq(column[-1] | (column[:-1] >= d.in_width)),
            row_out.eq(row[-1] | (row[:-1] >= d.in_height)),
        ]
        return column_out, row_out

    def _record(
        self, m: Module, walk: _Walk, step_2: Signal, first_2: Signal, column_out: Signal, row_out: Signal
    ) -> Signal:
        """Word of the window's records, 3 cycles after the issue of its last position.

        Missing columns are counted along the window's last row, missing rows down its last column.
        """
        d = self.command.descriptor
        column_last_1 = delay(m, walk.column_last, 1, "column_last_delay")
        row_last_1 = delay(m, walk.row_last, 1, "row_last_delay")
        lacks_row = Signal()
        lacks_column = Signal()
        m.d.sync += [
            lacks_row.eq(column_last_1 & row_out),
            lacks_column.eq(row_last_1 & column_out & d.record_column_step),
        ]
        record = Signal.like(self.result.record, name="window_record")
        rows = d.record_row_step & lacks_row.replicate(len(d.record_row_step))
        total = Mux(first_2, d.record_base, record) + rows + lacks_column
        following = net(m, "next_record", total, record.shape())
        with m.If(step_2):
            m.d.sync += record.eq(following)
        return record

    def _values(self, m: Module, outside_2: Signal, step_3: Signal, first_3: Signal, take: Signal) -> None:
        """Codes into sums or maxima, and those of a whole window out of the way of the next: its groups, one by one."""
        d, lanes, vector = self.command.descriptor, self._accelerator.lanes, self._accelerator.vector
        held = [Signal(signed(SUM_BITS), name=f"held_{i}", reset_less=True) for i in range(vector)]
        for i in range(vector):
            code = Signal(self.read.data[i].shape(), name=f"code_{i}", reset_less=True)
            m.d.sync += code.eq(Mux(outside_2, d.fill, self.read.data[i]))
            total = Signal(signed(SUM_BITS), name=f"total_{i}", reset_less=True)
            # The adder takes over a window's first code, and a larger one, by adding it to 0.
            kept = total.as_unsigned() & ~(first_3 | d.maximum).replicate(SUM_BITS)
            added = net(m, f"added_{i}", kept.as_signed() + code, total.shape())
            larger = net(m, f"larger_{i}", code > total[: len(code)].as_signed(), 1)
            with m.If(step_3 & (first_3 | ~d.maximum | larger)):
                m.d.sync += total.eq(added)
            with m.If(take):
                m.d.sync += held[i].eq(total)
            if i + lanes < vector:
                with m.Else():
                    m.d.sync += held[i].eq(held[i + lanes])
        for lane in range(lanes):
            scaled = Cat(Const(0, _FRACTION), held[lane]).as_signed()
            m.d.comb += self.result.values[lane].eq(Mux(d.unscaled, held[lane], scaled))

    def _groups(self, m: Module, walk: _Walk, window_end: Signal, busy: Signal, record: Signal) -> None:
        """A window's groups: counted from its last position's issue on, so that the walk sees what is still to come."""
        d, result, accelerator = self.command.descriptor, self.result, self._accelerator
        full = accelerator.vector // accelerator.lanes
        left = Signal(d.last_groups.shape(), name="groups_left")
        in_turn = Signal()
        in_last_block = Signal()
        more = net(m, "more_groups", Mux(walk.block_last, d.last_groups, full) - 1, left.shape())
        less = net(m, "groups_less", left - 1, left.shape())
        with m.If(window_end):
            m.d.sync += [left.eq(more), busy.eq(more != 0), in_turn.eq(walk.turn), in_last_block.eq(walk.block_last)]
        with m.Elif(busy):
            m.d.sync += [left.eq(less), busy.eq(left != 1)]

        # One cycle later the group is the window's last where none is left.
        first_1, valid_1 = Signal(name="group_first"), Signal(name="group_valid")
        m.d.sync += [first_1.eq(window_end), valid_1.eq(window_end | busy)]
        narrow_1 = net(m, "group_narrow", in_last_block & ~busy, 1)
        last_1 = net(m, "group_last", valid_1 & narrow_1 & in_turn, 1)
        cycles = LATENCY - 2
        first, narrow, turn = (
            delay(m, flag, cycles, name)
            for flag, name in ((first_1, "group_first"), (narrow_1, "group_narrow"), (in_turn, "group_turn"))
        )
        valid = delay(m, valid_1, cycles, "group_valid", reset_less=False)
        last = delay(m, last_1, cycles, "group_last", reset_less=False)

        pixel = Signal.like(result.address, name="pixel_address")
        next_pixel = net(m, "next_pixel", pixel + Mux(turn, d.out_block_step, d.out_step), pixel.shape())
        beside = net(m, "beside", result.address + accelerator.lanes, pixel.shape())
        m.d.sync += [result.valid.eq(valid), result.last.eq(last), result.address.eq(Mux(first, pixel, beside))]
        with m.If(self.command.start):
            m.d.sync += pixel.eq(d.out_base)
        with m.Elif(first & valid):
            m.d.sync += pixel.eq(next_pixel)
        with m.If(first):
            m.d.sync += result.record.eq(record)
        m.d.sync += [result.mask[lane].eq(~narrow | (d.last_lanes > lane)) for lane in range(accelerator.lanes)]
