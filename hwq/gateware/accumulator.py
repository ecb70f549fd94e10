"""Accumulators behind the array: two banks, one adding while the other is drained."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.gateware.fitting import fit
from hwq.gateware.library import place
from hwq.gateware.nets import add
from hwq.gateware.ports import events_signature
from hwq.gateware.ram import Ram, address_bits


class Accumulator(Component):
    """``bank[address][c] = (0 if first else bank[address][c]) + sums[c]``, fitted to ``accumulator_bits``.

    Where accumulators begin with the bias, ``biases[c]`` stands for 0, in the cycle of the sums.

    ``valid``, ``first``, ``bank`` and ``address`` are presented one cycle before the sums they belong to. The result
    may be read (drain port, or by a later addition) once its address is presented 3 cycles or more after that.

    The drain port reads ``drain_bank[drain_address]``, data one cycle later. While ``drain_enable``, the bank it names
    belongs to it: no addition may be under way there.

    Where every sum is fitted, sums go on from the accumulator inside the array and are only kept here:
    ``bank[address][c] = sums[c]``, without ``first``. What they go on from is read before: one cycle after
    ``start_first``, ``start_bank`` and ``start_address``, ``starts`` has ``0 if first else bank[address][c]``.
    ``counts`` comes with the sums.

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
        layout = data.ArrayLayout(signed(bits), columns)
        super().__init__(
            {
                "valid": In(1),
                **({} if accelerator.fits_every_sum else {"first": In(1)}),
                "bank": In(1),
                "address": In(address),
                "sums": In(data.ArrayLayout(signed(accelerator.psum_bits), columns)),
                **({"biases": In(layout)} if accelerator.begins_with_bias else {}),
                "drain_enable": In(1),
                "drain_bank": In(1),
                "drain_address": In(address),
                "drain_data": Out(layout),
                "events": Out(events_signature(accelerator, "array")),
                **({"psum_out": In(columns)} if accelerator.fits_psums else {}),
                **(self._every_sum(accelerator) if accelerator.fits_every_sum else {}),
            }
        )

    @staticmethod
    def _every_sum(accelerator: Accelerator) -> dict[str, Any]:
        """Ports of accumulators from which the array's sums go on."""
        columns, count = accelerator.array.columns, Shape.cast(range(accelerator.array.rows + 1))
        return {
            "start_first": In(1),
            "start_bank": In(1),
            "start_address": In(address_bits(accelerator.buffers.accumulators)),
            "starts": Out(data.ArrayLayout(signed(accelerator.arithmetic.accumulator_bits), columns)),
            "counts": In(data.ArrayLayout(count, columns)),
        }

    def elaborate(self, platform: object) -> Module:
        m = Module()
        layout = data.ArrayLayout(signed(self._bits), self._columns)
        every = self._accelerator.fits_every_sum
        now_valid = Signal()
        now_bank = Signal()
        now_address = Signal.like(self.address)
        write_valid = Signal()
        write_bank = Signal()
        write_address = Signal.like(self.address)
        total = Signal(layout, reset_less=True)
        drained = Signal()
        # What was asked for a cycle ago: the start of a job or what stands there, and in which bank.
        now_first = Signal()
        from_bank = Signal(name="start_now_bank") if every else now_bank
        m.d.sync += [
            now_valid.eq(self.valid),
            now_first.eq(self.start_first if every else self.first),
            now_bank.eq(self.bank),
            now_address.eq(self.address),
            write_valid.eq(now_valid),
            write_bank.eq(now_bank),
            write_address.eq(now_address),
            drained.eq(self.drain_bank),
        ]
        if every:
            m.d.sync += from_bank.eq(self.start_bank)
        address = self.start_address if every else self.address
        stored = []
        for number in range(2):
            memory = place(m, f"bank_{number}", Ram, platform, width=self._columns * self._bits, depth=self._depth)
            drains = self.drain_enable & (self.drain_bank == number)
            m.d.comb += [
                memory.read_address.eq(Mux(drains, self.drain_address, address)),
                memory.write_address.eq(write_address),
                memory.write_data.eq(total),
                memory.write_enable.eq(write_valid & (write_bank == number)),
            ]
            stored.append(data.View(layout, memory.read_data))
        beyond = []
        for c in range(self._columns):
            start = self.biases[c] if self._accelerator.begins_with_bias else 0
            before = Mux(now_first, start, Mux(from_bank, stored[1][c], stored[0][c]))
            if every:
                m.d.comb += self.starts[c].eq(before)
                m.d.sync += total[c].eq(self.sums[c])
            else:
                fitted, out = fit(m, f"sum_{c}", before + self.sums[c], self._bits, self._accelerator.accumulation)
                beyond.append(out)
                m.d.sync += total[c].eq(fitted)
            m.d.comb += self.drain_data[c].eq(Mux(drained, stored[1][c], stored[0][c]))
        if self._accelerator.may_overflow:
            psums = list(self.psum_out) if self._accelerator.fits_psums else []
            counts = [Mux(now_valid, self.counts[c], 0) for c in range(self._columns)] if every else []
            m.d.sync += [
                self.events.psum.eq(add([now_valid & out for out in psums])),
                self.events.accumulator.eq(add(counts or [now_valid & out for out in beyond])),
            ]
        return m
