"""Accumulators behind the array: two banks, one adding while the other is drained."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.gateware.fitting import fit
from hwq.gateware.library import place
from hwq.gateware.nets import ones
from hwq.gateware.ports import events_signature
from hwq.gateware.ram import Ram, address_bits


class Accumulator(Component):
    """``bank[address][c] = (0 if first else bank[address][c]) + sums[c]``, fitted to ``accumulator_bits``.

    ``valid``, ``first``, ``bank`` and ``address`` are presented one cycle before the sums they belong to. The result
    may be read (drain port, or by a later addition) once its address is presented 3 cycles or more after that.

    The drain port reads ``drain_bank[drain_address]``, data one cycle later. While ``drain_enable``, the bank it names
    belongs to it: no addition may be under way there.

    ``events`` counts, one cycle after the sums, those that did not fit: in the array, which says so in ``psum_out``,
    and here.
    """

    module = "hwq_accumulator"

    def __init__(self, *, accelerator: Accelerator) -> None:
        columns, depth = accelerator.array.columns, accelerator.buffers.accumulators
        bits = accelerator.arithmetic.accumulator_bits
        self._columns, self._depth, self._bits = columns, depth, bits
        self._accelerator = accelerator
        address = address_bits(depth)
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "bank": In(1),
                "address": In(address),
                "sums": In(data.ArrayLayout(signed(accelerator.psum_bits), columns)),
                "drain_enable": In(1),
                "drain_bank": In(1),
                "drain_address": In(address),
                "drain_data": Out(data.ArrayLayout(signed(bits), columns)),
                "events": Out(events_signature(accelerator, "array")),
                **({"psum_out": In(columns)} if accelerator.fits_psums else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layout = data.ArrayLayout(signed(self._bits), self._columns)
        now_valid = Signal()
        now_first = Signal()
        now_bank = Signal()
        now_address = Signal.like(self.address)
        write_valid = Signal()
        write_bank = Signal()
        write_address = Signal.like(self.address)
        total = Signal(layout, reset_less=True)
        drained = Signal()
        m.d.sync += [
            now_valid.eq(self.valid),
            now_first.eq(self.first),
            now_bank.eq(self.bank),
            now_address.eq(self.address),
            write_valid.eq(now_valid),
            write_bank.eq(now_bank),
            write_address.eq(now_address),
            drained.eq(self.drain_bank),
        ]
        stored = []
        for number in range(2):
            memory = place(m, f"bank_{number}", Ram, platform, width=self._columns * self._bits, depth=self._depth)
            drains = self.drain_enable & (self.drain_bank == number)
            m.d.comb += [
                memory.read_address.eq(Mux(drains, self.drain_address, self.address)),
                memory.write_address.eq(write_address),
                memory.write_data.eq(total),
                memory.write_enable.eq(write_valid & (write_bank == number)),
            ]
            stored.append(data.View(layout, memory.read_data))
        beyond = []
        for c in range(self._columns):
            before = Mux(now_first, 0, Mux(now_bank, stored[1][c], stored[0][c]))
            fitted, out = fit(m, f"sum_{c}", before + self.sums[c], self._bits, self._accelerator.accumulation)
            beyond.append(out)
            m.d.sync += total[c].eq(fitted)
            m.d.comb += self.drain_data[c].eq(Mux(drained, stored[1][c], stored[0][c]))
        if self._accelerator.may_overflow:
            psums = list(self.psum_out) if self._accelerator.fits_psums else []
            m.d.sync += [
                self.events.psum.eq(ones([now_valid & out for out in psums])),
                self.events.accumulator.eq(ones([now_valid & out for out in beyond])),
            ]
        return m
