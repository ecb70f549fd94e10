"""Address generator: walks a convolution as its descriptor says and issues one step per cycle.

The walk, outermost first: pixel tiles, blocks of output channels (a *job* is one block over one pixel tile), kernel
rows, runs of a kernel row, chunks of a run (a *pass* is one chunk, that is one tile of weights), output pixels. Every
position is kept by addition; there is no multiplier here.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Opcode
from hwq.gateware.descriptor import descriptor_signature, width_of
from hwq.gateware.nets import delay, net
from hwq.gateware.ram import address_bits

_FIELDS = (
    "tile_pixels",
    "blocks",
    "pixels",
    "out_width",
    "ky_count",
    "kx_count",
    "chunk_count",
    "run",
    "x_start",
    "in_base",
    "in_row",
    "y_start",
    "in_height",
    "x_step",
    "y_step",
    "y_step_elements",
    "kx_step",
    "ky_step",
    "ky_step_elements",
)


class AddressGenerator(Component):
    """Issues the steps of one CONV descriptor.

    ``start`` begins the walk one cycle later; ``descriptor`` is constant until the layer is done. The walk opens with
    ``rows`` cycles that only load the first tile of weights. A pass then takes as many cycles as its job has pixels,
    and at least ``minimum_pass``. A job takes an accumulator bank, the two in turn, and waits until the drain has given
    it back with ``freed``.

    Outputs, counted in cycles from the issue of a step:

    - at 2, ``read_address``, the element at which the step's run of operands begins, for the activation memory;
    - at 4, ``operand_valid``, which of the run's elements are real; the others are padding;
    - at 4, before the first step of a tile, ``renew``, and at 5 ``load``, the row that loads now (one-hot; weights of
      the tile to come), for the array; ``load_ahead`` is ``load`` two cycles earlier and ``load_rewind`` tells, with
      its first row, that the tile is the layer's first one;
    - one cycle before the array's sums, ``sum_valid``, ``sum_first`` (first pass of a job), ``sum_bank`` and
      ``sum_address`` for the accumulator, and ``sum_last`` with the last step of a job; where every sum is fitted,
      ``start_first``, ``start_bank`` and ``start_address`` at 4 instead of ``sum_first``: from where the sums go on.
      Where accumulators begin with the bias, ``job_begin`` comes with the ``first`` of a job's first step.
    """

    module = "hwq_addresses"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._address_bits = address_bits(accelerator.word * accelerator.activation_words)
        self._accumulator_bits = address_bits(accelerator.buffers.accumulators)
        rows = accelerator.array.rows
        super().__init__(
            {
                "descriptor": In(descriptor_signature(accelerator, Opcode.CONV, *_FIELDS)),
                "start": In(1),
                "freed": In(1),
                "freed_bank": In(1),
                "read_address": Out(self._address_bits),
                "operand_valid": Out(rows),
                "renew": Out(1),
                "load": Out(rows),
                "load_ahead": Out(1),
                "load_rewind": Out(1),
                "sum_valid": Out(1),
                **({} if accelerator.fits_every_sum else {"sum_first": Out(1)}),
                **({"job_begin": Out(1)} if accelerator.begins_with_bias else {}),
                "sum_last": Out(1),
                "sum_bank": Out(1),
                "sum_address": Out(self._accumulator_bits),
                **(
                    {"start_first": Out(1), "start_bank": Out(1), "start_address": Out(self._accumulator_bits)}
                    if accelerator.fits_every_sum
                    else {}
                ),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        accelerator, d = self._accelerator, self.descriptor
        rows, minimum = accelerator.array.rows, accelerator.minimum_pass

        def plus(name: str, register: Signal, step: Any) -> Signal:
            return net(m, name, register + step, register.shape())

        # -- where the walk is ---------------------------------------------------------------------------------
        loading = Signal()
        running = Signal()
        waiting = Signal()
        # Cycles of this pass, up to the longer of ``minimum`` and the tile's pixels.
        beat = Signal(max(self._accumulator_bits + 1, minimum.bit_length(), accelerator.load_cycles.bit_length()))
        next_beat = plus("next_beat", beat, 1)
        beat_after = net(m, "beat_after", beat + 2, len(beat) + 1)

        def counter(name: str, count: Signal) -> tuple[Signal, Signal, list[Any]]:
            """A count from 0 to ``count - 1`` and round again: (value, whether it is the last, what advances it)."""
            value = Signal(len(count), name=name)
            last, then_last = Signal(name=f"{name}_last"), Signal(name=f"{name}_then_last")
            following = plus(f"next_{name}", value, 1)
            only = net(m, f"{name}_only", count == 1, 1)
            # A flag for the value to come, made while this one stands: that is three cycles or more.
            m.d.sync += then_last.eq(net(m, f"{name}_after", value + 2, len(count) + 1) == count)
            with m.If(self.start):
                m.d.sync += last.eq(only)
            return value, last, [value.eq(Mux(last, 0, following)), last.eq(Mux(last, only, then_last))]

        _, chunk_last, next_chunk = counter("chunk", d.chunk_count)
        _, kx_last, next_kx = counter("kx", d.kx_count)
        _, ky_last, next_ky = counter("ky", d.ky_count)
        _, block_last, next_block = counter("block", d.blocks)
        job_last = net(m, "job_last", chunk_last & kx_last & ky_last, 1)

        # All that is asked of the walk in a cycle stands in flags that were made in the cycle before.
        pass_first = Signal()
        in_tile = Signal()
        pixel_last = Signal()
        ending = Signal()
        pixel = net(m, "pixel", running & in_tile, 1)
        pass_end = net(m, "pass_end", running & ending, 1)
        tile_end = net(m, "tile_end", pass_end & job_last & block_last, 1)
        tile, tile_last, tile_single = self._tiles(m, tile_end)
        m.d.sync += ending.eq(running & ~pass_end & (beat_after >= tile) & (beat_after >= minimum))
        with m.If(pass_end):
            m.d.sync += pass_first.eq(job_last)

        # -- passes: position inside the kernel ----------------------------------------------------------------
        run_left = Signal(width_of("run"))
        kx_elements = Signal(width_of("run"))
        chunk_elements = Signal(width_of("run"))
        ky_rows = Signal(width_of("in_height"))
        ky_elements = Signal(self._address_bits)
        next_kx_elements = plus("next_kx_elements", kx_elements, d.kx_step)
        next_chunk_elements = plus("next_chunk_elements", chunk_elements, rows)
        next_run_left = plus("next_run_left", run_left, -rows)
        next_ky_rows = plus("next_ky_rows", ky_rows, d.ky_step)
        next_ky_elements = plus("next_ky_elements", ky_elements, d.ky_step_elements)
        with m.If(pass_end):
            m.d.sync += next_chunk
            with m.If(~chunk_last):
                m.d.sync += [chunk_elements.eq(next_chunk_elements), run_left.eq(next_run_left)]
            with m.Else():
                m.d.sync += [*next_kx, run_left.eq(d.run)]
                with m.If(~kx_last):
                    m.d.sync += [kx_elements.eq(next_kx_elements), chunk_elements.eq(next_kx_elements)]
                with m.Else():
                    m.d.sync += [*next_ky, kx_elements.eq(0), chunk_elements.eq(0)]
                    with m.If(~ky_last):
                        m.d.sync += [ky_rows.eq(next_ky_rows), ky_elements.eq(next_ky_elements)]
                    with m.Else():
                        m.d.sync += [ky_rows.eq(0), ky_elements.eq(0)]

        # -- jobs ----------------------------------------------------------------------------------------------
        job_bank = Signal()
        taken = Signal(2)
        for number in range(2):
            with m.If(running & pass_first & (beat == 0) & (job_bank == number)):
                m.d.sync += taken[number].eq(1)
            with m.Elif(self.freed & (self.freed_bank == number)):
                m.d.sync += taken[number].eq(0)
        other_free = net(m, "other_free", ~Mux(job_bank, taken[0], taken[1]), 1)
        job_end = net(m, "job_end", pass_end & job_last, 1)
        layer_end = net(m, "layer_end", tile_end & tile_last, 1)
        with m.If(job_end):
            m.d.sync += [job_bank.eq(~job_bank), *next_block]
            m.d.sync += [running.eq(other_free & ~layer_end), waiting.eq(~other_free & ~layer_end)]
        with m.If(waiting & ~Mux(job_bank, taken[1], taken[0])):
            m.d.sync += [waiting.eq(0), running.eq(1)]

        with m.If(self.start):
            m.d.sync += loading.eq(1)
        load_end = net(m, "load_end", loading & (beat == accelerator.load_cycles - 1), 1)
        with m.If(load_end):
            m.d.sync += [loading.eq(0), running.eq(1)]
        with m.If(loading | running):
            m.d.sync += beat.eq(next_beat)
        renew = net(m, "renew_next", pass_end | load_end, 1)
        with m.If(renew):
            m.d.sync += [beat.eq(0), in_tile.eq(1), pixel_last.eq(tile_single)]
        with m.Elif(running):
            m.d.sync += [in_tile.eq(in_tile & ~pixel_last), pixel_last.eq(beat_after == tile)]

        # -- pixels: position of the kernel in the input ---------------------------------------------------------
        def position(name: str) -> tuple[Signal, ...]:
            return (
                Signal(width_of("out_width"), name=f"{name}_column"),
                Signal(signed(width_of("x_start") + 2), name=f"{name}_x"),
                Signal(signed(width_of("in_height") + 2), name=f"{name}_y"),
                Signal(self._address_bits, name=f"{name}_elements"),
            )

        here, tile_start = position("here"), position("tile_start")
        column, x, y, elements = here
        next_column = plus("next_column", column, 1)
        row_end = net(m, "row_end", next_column == d.out_width, 1)
        along = (next_column, plus("next_x", x, d.x_step), y, elements)
        below = (0, d.x_start, plus("next_y", y, d.y_step), plus("next_elements", elements, d.y_step_elements))
        after = position("after")
        m.d.comb += [then.eq(Mux(row_end, down, right)) for then, down, right in zip(after, below, along, strict=True)]
        with m.If(pixel):
            with m.If(~pixel_last):
                m.d.sync += [now.eq(then) for now, then in zip(here, after, strict=True)]
            with m.Elif(job_last & block_last):
                # The tile is done: the next one begins where this one ends.
                m.d.sync += [now.eq(then) for now, then in zip(here, after, strict=True)]
                m.d.sync += [now.eq(then) for now, then in zip(tile_start, after, strict=True)]
            with m.Else():
                m.d.sync += [now.eq(then) for now, then in zip(here, tile_start, strict=True)]

        with m.If(self.start):
            first = (0, d.x_start, d.y_start, d.in_base)
            m.d.sync += [now.eq(then) for now, then in zip(here, first, strict=True)]
            m.d.sync += [now.eq(then) for now, then in zip(tile_start, first, strict=True)]
            m.d.sync += [beat.eq(0), run_left.eq(d.run), job_bank.eq(0), pass_first.eq(1)]

        self._operands(m, (x, y, elements), (chunk_elements, ky_rows, ky_elements), run_left)
        # No tile follows the layer's last pass; after the last pass of a pixel tile the weights start over.
        tile_pass = block_last & job_last
        self._loads(m, beat, loading | (running & ~(tile_pass & tile_last)), loading | tile_pass, renew)
        self._sums(m, pixel, pass_first, pixel_last & job_last, job_bank, beat)
        return m

    def _tiles(self, m: Module, tile_end: Signal) -> tuple[Signal, Signal, Signal]:
        """(Pixels of this tile, whether it is the last, whether the next pass's tile has but one pixel).

        The tile after this one is worked out while this one lasts, which is three cycles or more.
        """
        d = self.descriptor
        pixels_left = Signal(width_of("pixels"))
        tile = Signal(width_of("tile_pixels"))
        tile_last = Signal()
        single = Signal()
        left_then = Signal.like(pixels_left)
        tile_then = Signal.like(tile)
        last_then = Signal()
        single_then = Signal()

        def fits(left: Signal, name: str) -> tuple[Signal, Any, Signal]:
            least = net(m, f"{name}_fits", left <= d.tile_pixels, 1)
            one = net(m, f"{name}_one", (left == 1) | (d.tile_pixels == 1), 1)
            return least, Mux(least, left, d.tile_pixels), one

        following = net(m, "pixels_after", pixels_left - d.tile_pixels, pixels_left.shape())
        least, size, one = fits(left_then, "then")
        m.d.sync += [left_then.eq(following), last_then.eq(least), tile_then.eq(size), single_then.eq(one)]
        with m.If(tile_end):
            m.d.sync += [
                pixels_left.eq(left_then),
                tile.eq(tile_then),
                tile_last.eq(last_then),
                single.eq(single_then),
            ]
        with m.If(self.start):
            least, size, one = fits(d.pixels, "first")
            m.d.sync += [pixels_left.eq(d.pixels), tile.eq(size), tile_last.eq(least), single.eq(one)]
        return tile, tile_last, net(m, "next_single", Mux(tile_end, single_then, single), 1)

    def _operands(self, m: Module, pixel: tuple[Signal, ...], kernel: tuple[Signal, ...], run_left: Signal) -> None:
        """Two cycles of sums give the address; two more give the mask of real elements."""
        d, rows = self.descriptor, self._accelerator.array.rows
        (x, y, elements), (chunk_elements, ky_rows, ky_elements) = pixel, kernel
        x_1 = Signal(signed(width_of("x_start") + 4))
        y_1 = Signal(signed(width_of("in_height") + 3))
        elements_1 = Signal(self._address_bits)
        left_1 = Signal(width_of("run"))
        m.d.sync += [
            x_1.eq(net(m, "x_sum", x + chunk_elements, x_1.shape())),
            y_1.eq(net(m, "y_sum", y + ky_rows, y_1.shape())),
            elements_1.eq(net(m, "elements_sum", elements + ky_elements, elements_1.shape())),
            left_1.eq(run_left),
        ]
        # Elements missing before position 0, and those there are up to the row's end.
        before_2 = Signal(signed(width_of("x_start") + 5))
        room_2 = Signal.like(before_2)
        left_2 = Signal.like(left_1)
        inside_2 = Signal()
        m.d.sync += [
            self.read_address.eq(net(m, "address_sum", elements_1 + x_1, elements_1.shape())),
            before_2.eq(net(m, "missing", -x_1, before_2.shape())),
            room_2.eq(net(m, "room", d.in_row - x_1, room_2.shape())),
            left_2.eq(left_1),
            inside_2.eq(~y_1[-1] & (y_1 < d.in_height)),
        ]
        # Element i is real from ``before`` up to, not including, ``room`` and ``left``. Each bound becomes its low bits
        # and a flag for all that is larger, so that the comparisons per element are short.
        inside_3 = Signal()
        before_3, before_all = self._bound(m, "before_3", before_2)
        room_3, room_all = self._bound(m, "room_3", room_2)
        left_3, left_all = self._bound(m, "left_3", left_2)
        m.d.sync += inside_3.eq(inside_2 & ~room_2[-1])
        for i in range(rows):
            missing, fits, counts = (self._exceeds(bound, i) for bound in (before_3, room_3, left_3))
            real = ~before_all & ~missing & (room_all | fits) & (left_all | counts)
            m.d.sync += self.operand_valid[i].eq(inside_3 & real)

    @staticmethod
    def _exceeds(bound: Signal, i: int) -> Any:
        """``bound > i``, without a comparison where no value of ``bound`` can."""
        return bound > i if i < (1 << len(bound)) - 1 else Const(0, 1)

    def _bound(self, m: Module, name: str, count: Signal) -> tuple[Signal, Signal]:
        """``count`` registered as (low bits, at least ``2 ** bits``); a negative count is 0."""
        bits = (self._accelerator.array.rows - 1).bit_length() or 1
        low, all_ = Signal(bits, name=name), Signal(name=f"{name}_all")
        negative = count[-1] if count.shape().signed else Const(0, 1)
        m.d.sync += [
            low.eq(count[:bits] & ~negative.replicate(bits)),
            all_.eq(~negative & count[bits : len(count) - count.shape().signed].any()),
        ]
        return low, all_

    def _loads(self, m: Module, beat: Signal, loads_tile: Signal, rewinds: Signal, renew: Signal) -> None:
        """During each pass the rows of the next tile load, one per cycle, in step with the pass's own operands."""
        rows, feed = self._accelerator.array.rows, self._accelerator.feed_latency
        loads = Signal(rows)
        rewind = Signal()
        m.d.comb += [loads[r].eq(loads_tile & (beat == r)) for r in range(rows)]
        m.d.comb += rewind.eq(loads[0] & rewinds)
        ahead = delay(m, loads, feed - 2, "load_delay", reset_less=False)
        m.d.comb += [
            self.load_ahead.eq(ahead.any()),
            self.load_rewind.eq(delay(m, rewind, feed - 2, "rewind_delay")),
            self.load.eq(delay(m, ahead, 2, "load_now", reset_less=False)),
            self.renew.eq(delay(m, renew, feed, "renew_delay")),
        ]

    def _sums(self, m: Module, pixel: Signal, first: Signal, last: Signal, bank: Signal, address: Signal) -> None:
        """What the accumulator has to know, one cycle before the sums come out of the array."""
        every = self._accelerator.fits_every_sum
        feed, through = self._accelerator.feed_latency - 1, self._accelerator.array_latency
        # ``first`` is wanted with the sums, or before the array with what they go on from.
        token = data.StructLayout(
            {"valid": 1, **({} if every else {"first": 1}), "last": 1, "bank": 1, "address": self._accumulator_bits}
        )
        place = address[: self._accumulator_bits]
        issued = data.View(token, Cat(pixel, *([] if every else [first]), pixel & last, bank, place))
        if self._accelerator.begins_with_bias:
            begins = net(m, "begins", pixel & first & (address == 0), 1)
            cycles = feed + through * (not every)
            m.d.comb += self.job_begin.eq(delay(m, begins, cycles, "begin_delay", reset_less=False))
        if every:
            started = delay(m, Cat(first, bank, place), feed, "start_token", reset_less=False)
            m.d.comb += Cat(self.start_first, self.start_bank, self.start_address).eq(started)
        arrived = delay(m, issued, feed + through, "sum_token", reset_less=False)
        if not every:
            m.d.comb += self.sum_first.eq(arrived.first)
        m.d.comb += [
            self.sum_valid.eq(arrived.valid),
            self.sum_last.eq(arrived.last),
            self.sum_bank.eq(arrived.bank),
            self.sum_address.eq(arrived.address),
        ]
