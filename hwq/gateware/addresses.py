"""Address generator: walks a convolution as its descriptor says and issues one step per cycle.

The walk, outermost first: pixel tiles, blocks of output channels (a *job* is one block over one pixel tile), kernel rows,
runs of a kernel row, chunks of a run (a *pass* is one chunk, that is one tile of weights), output pixels. Every position
is kept by addition; there is no multiplier here.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.gateware.nets import delay, net
from hwq.gateware.descriptor import address_bits, descriptor_signature, width_of


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
    and at least ``minimum_pass``. A job takes an accumulator bank, the two in turn, and waits until the drain has given it
    back with ``release``.

    Outputs, counted in cycles from the issue of a step:

    - at 2, ``read_address``, the element at which the step's run of operands begins, for the activation memory;
    - at 4, ``operand_valid``, which of the run's elements are real; the others are padding;
    - at 5, ``bank``, the weights the step uses, and ``load``, the row that loads now (one-hot; weights of the tile to
      come), for the array; ``load_ahead`` is ``load`` two cycles earlier and ``load_rewind`` tells, with its first row,
      that the tile is the layer's first one;
    - one cycle before the array's sums, ``sum_valid``, ``sum_first`` (first pass of a job), ``sum_bank`` and
      ``sum_address`` for the accumulator, and ``sum_last`` with the last step of a job.
    """

    module = "hwq_addresses"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._address_bits = address_bits(accelerator.word * accelerator.activation_words)
        self._accumulator_bits = address_bits(accelerator.buffers.accumulators)
        rows = accelerator.array.rows
        super().__init__(
            {
                "descriptor": In(descriptor_signature(accelerator, *_FIELDS)),
                "start": In(1),
                "release": In(1),
                "release_bank": In(1),
                "read_address": Out(self._address_bits),
                "operand_valid": Out(rows),
                "bank": Out(1),
                "load": Out(rows),
                "load_ahead": Out(1),
                "load_rewind": Out(1),
                "sum_valid": Out(1),
                "sum_first": Out(1),
                "sum_last": Out(1),
                "sum_bank": Out(1),
                "sum_address": Out(self._accumulator_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        accelerator, d = self._accelerator, self.descriptor
        rows, minimum = accelerator.array.rows, accelerator.minimum_pass

        def plus(name: str, register: Signal, step: Any) -> Signal:
            return net(m, name, register + step, register.shape())

        # -- where the walk is ---------------------------------------------------------------------------------
        loading, running, waiting = Signal(), Signal(), Signal()
        # Cycles of this pass, up to the longer of ``minimum`` and the tile's pixels.
        beat = Signal(max(self._accumulator_bits + 1, minimum.bit_length()))
        pixels_left = Signal(width_of("pixels"))
        tile = Signal(width_of("tile_pixels"))
        m.d.comb += tile.eq(Mux(pixels_left < d.tile_pixels, pixels_left, d.tile_pixels))

        chunk, chunk_last = Signal(width_of("chunk_count")), Signal()
        kx, kx_last = Signal(width_of("kx_count")), Signal()
        ky, ky_last = Signal(width_of("ky_count")), Signal()
        block, block_last = Signal(width_of("blocks")), Signal()
        tile_last, job_last, pass_first = Signal(), Signal(), Signal()
        pixel, pixel_last, pass_end = Signal(), Signal(), Signal()
        m.d.comb += [
            chunk_last.eq(chunk + 1 == d.chunk_count),
            kx_last.eq(kx + 1 == d.kx_count),
            ky_last.eq(ky + 1 == d.ky_count),
            block_last.eq(block + 1 == d.blocks),
            tile_last.eq(pixels_left <= d.tile_pixels),
            job_last.eq(chunk_last & kx_last & ky_last),
            pass_first.eq((chunk == 0) & (kx == 0) & (ky == 0)),
            pixel.eq(running & (beat < tile)),
            pixel_last.eq(beat + 1 == tile),
            pass_end.eq(running & (beat + 1 >= tile) & (beat + 1 >= minimum)),
        ]

        # -- passes: position inside the kernel ----------------------------------------------------------------
        run_left = Signal(width_of("run"))
        kx_elements, chunk_elements = Signal(width_of("run")), Signal(width_of("run"))
        ky_rows = Signal(width_of("in_height"))
        ky_elements = Signal(self._address_bits)
        next_kx_elements = plus("next_kx_elements", kx_elements, d.kx_step)
        with m.If(pass_end):
            with m.If(~chunk_last):
                m.d.sync += [
                    chunk.eq(plus("next_chunk", chunk, 1)),
                    chunk_elements.eq(plus("next_chunk_elements", chunk_elements, rows)),
                    run_left.eq(plus("next_run_left", run_left, -rows)),
                ]
            with m.Else():
                m.d.sync += [chunk.eq(0), run_left.eq(d.run)]
                with m.If(~kx_last):
                    m.d.sync += [
                        kx.eq(plus("next_kx", kx, 1)),
                        kx_elements.eq(next_kx_elements),
                        chunk_elements.eq(next_kx_elements),
                    ]
                with m.Else():
                    m.d.sync += [kx.eq(0), kx_elements.eq(0), chunk_elements.eq(0)]
                    with m.If(~ky_last):
                        m.d.sync += [
                            ky.eq(plus("next_ky", ky, 1)),
                            ky_rows.eq(plus("next_ky_rows", ky_rows, d.ky_step)),
                            ky_elements.eq(plus("next_ky_elements", ky_elements, d.ky_step_elements)),
                        ]
                    with m.Else():
                        m.d.sync += [ky.eq(0), ky_rows.eq(0), ky_elements.eq(0)]

        # -- jobs ----------------------------------------------------------------------------------------------
        bank, sum_bank, next_free = Signal(), Signal(), Signal()
        taken = Signal(2)
        for number in range(2):
            with m.If(running & pass_first & (beat == 0) & (sum_bank == number)):
                m.d.sync += taken[number].eq(1)
            with m.Elif(self.release & (self.release_bank == number)):
                m.d.sync += taken[number].eq(0)
        m.d.comb += next_free.eq(~Mux(sum_bank, taken[0], taken[1]))
        job_end = Signal()
        layer_end = Signal()
        m.d.comb += [job_end.eq(pass_end & job_last), layer_end.eq(job_end & block_last & tile_last)]
        with m.If(job_end):
            m.d.sync += [sum_bank.eq(~sum_bank), block.eq(Mux(block_last, 0, plus("next_block", block, 1)))]
            with m.If(block_last):
                m.d.sync += pixels_left.eq(plus("next_pixels_left", pixels_left, -d.tile_pixels))
            m.d.sync += [running.eq(next_free & ~layer_end), waiting.eq(~next_free & ~layer_end)]
        with m.If(waiting & ~Mux(sum_bank, taken[1], taken[0])):
            m.d.sync += [waiting.eq(0), running.eq(1)]

        with m.If(self.start):
            m.d.sync += loading.eq(1)
        load_end = Signal()
        m.d.comb += load_end.eq(loading & (beat == rows - 1))
        with m.If(load_end):
            m.d.sync += [loading.eq(0), running.eq(1)]
        with m.If(loading | running):
            m.d.sync += beat.eq(plus("next_beat", beat, 1))
        with m.If(pass_end | load_end):
            m.d.sync += [beat.eq(0), bank.eq(~bank)]

        # -- pixels: position of the kernel in the input ---------------------------------------------------------
        def position(name: str) -> tuple[Signal, ...]:
            return (
                Signal(width_of("out_width"), name=f"{name}_column"),
                Signal(signed(width_of("x_start") + 2), name=f"{name}_x"),
                Signal(signed(width_of("in_height") + 2), name=f"{name}_y"),
                Signal(self._address_bits, name=f"{name}_elements"),
            )

        here, tile_start, after = position("here"), position("tile_start"), position("after")
        column, x, y, elements = here
        with m.If(column + 1 == d.out_width):
            m.d.comb += [
                after[0].eq(0),
                after[1].eq(d.x_start),
                after[2].eq(y + d.y_step),
                after[3].eq(elements + d.y_step_elements),
            ]
        with m.Else():
            m.d.comb += [after[0].eq(column + 1), after[1].eq(x + d.x_step), after[2].eq(y), after[3].eq(elements)]
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
            m.d.sync += [
                beat.eq(0),
                pixels_left.eq(d.pixels),
                run_left.eq(d.run),
                sum_bank.eq(0),
            ]

        self._operands(m, (x, y, elements), (chunk_elements, ky_rows, ky_elements), run_left)
        # No tile follows the layer's last pass; after the last pass of a pixel tile the weights start over.
        tile_pass = block_last & job_last
        self._loads(m, beat, loading | (running & ~(tile_pass & tile_last)), loading | tile_pass, bank)
        self._sums(m, pixel, pass_first, pixel_last & job_last, sum_bank, beat)
        return m

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
        x_2, left_2, inside_2 = Signal.like(x_1), Signal.like(left_1), Signal()
        room_2 = Signal(signed(width_of("x_start") + 5))
        m.d.sync += [
            self.read_address.eq(net(m, "address_sum", elements_1 + x_1, elements_1.shape())),
            x_2.eq(x_1),
            room_2.eq(net(m, "room", d.in_row - x_1, room_2.shape())),
            left_2.eq(left_1),
            inside_2.eq(~y_1[-1] & (y_1 < d.in_height)),
        ]
        # Real elements are those from ``low`` up to, not including, ``high``; each bound is limited to the rows first,
        # so that the comparisons per element are short.
        low_3, room_3, left_3 = (Signal(range(rows + 1), name=name) for name in ("low_3", "room_3", "left_3"))
        inside_3, bits = Signal(), len(low_3)
        m.d.sync += [
            low_3.eq(Mux(x_2[-1], Mux(x_2 < -rows, rows, net(m, "minus_x", -x_2, low_3.shape())), 0)),
            room_3.eq(Mux(room_2[-1], 0, Mux(room_2 > rows, rows, room_2[:bits]))),
            left_3.eq(Mux(left_2 > rows, rows, left_2[:bits])),
            inside_3.eq(inside_2),
        ]
        m.d.sync += [
            self.operand_valid[i].eq(inside_3 & ~(low_3 > i) & (room_3 > i) & (left_3 > i)) for i in range(rows)
        ]

    def _loads(self, m: Module, beat: Signal, loads_tile: Signal, rewinds: Signal, bank: Signal) -> None:
        """During each pass the rows of the next tile load, one per cycle, in step with the pass's own operands."""
        rows, feed = self._accelerator.array.rows, self._accelerator.feed_latency
        loads, rewind = Signal(rows), Signal()
        m.d.comb += [loads[r].eq(loads_tile & (beat == r)) for r in range(rows)]
        m.d.comb += rewind.eq(loads[0] & rewinds)
        ahead = delay(m, loads, feed - 2, "load_delay", reset_less=False)
        m.d.comb += [
            self.load_ahead.eq(ahead.any()),
            self.load_rewind.eq(delay(m, rewind, feed - 2, "rewind_delay")),
            self.load.eq(delay(m, ahead, 2, "load_now", reset_less=False)),
            self.bank.eq(delay(m, bank, feed, "bank_delay")),
        ]

    def _sums(self, m: Module, pixel: Signal, first: Signal, last: Signal, bank: Signal, address: Signal) -> None:
        """What the accumulator has to know, one cycle before the sums come out of the array."""
        token = data.StructLayout({"valid": 1, "first": 1, "last": 1, "bank": 1, "address": self._accumulator_bits})
        issued = Signal(token)
        m.d.comb += [
            issued.valid.eq(pixel),
            issued.first.eq(first),
            issued.last.eq(pixel & last),
            issued.bank.eq(bank),
            issued.address.eq(address),
        ]
        cycles = self._accelerator.feed_latency + self._accelerator.array_latency - 1
        arrived = delay(m, issued, cycles, "sum_token", reset_less=False)
        m.d.comb += [
            self.sum_valid.eq(arrived.valid),
            self.sum_first.eq(arrived.first),
            self.sum_last.eq(arrived.last),
            self.sum_bank.eq(arrived.bank),
            self.sum_address.eq(arrived.address),
        ]
