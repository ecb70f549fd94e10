"""The table engine: a code for each code, looked up in a table that every lane has."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.table import ENTRIES, ENTRY_BITS, LATENCY
from hwq.arch.isa import Opcode
from hwq.gateware.flat import count_groups, hand_on
from hwq.gateware.library import place
from hwq.gateware.nets import delay, net
from hwq.gateware.ports import command_signature, read_signature, result_signature, weight_signature
from hwq.gateware.ram import Ram

_FRACTION = 8
"""Bits that a code is given below the binary point; the record's right shift takes them again."""


class TableEngine(Component):
    """Executes TABLE: ``value[e] = table[x[e] mod 256] * 256``, ``lanes`` elements a cycle.

    From the cycle after ``start`` on the table's entries are read from weight memory, one a cycle, and written to the
    memories of all lanes; then a group of elements is issued each cycle. `LATENCY` cycles after its issue a group is at
    the results unit, whose record leaves the code as it is. Nothing ever waits.
    """

    module = "hwq_table_engine"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._lanes = accelerator.lanes
        super().__init__(
            {
                "command": In(command_signature(accelerator, Opcode.TABLE)),
                "read": Out(read_signature(accelerator, accelerator.lanes)),
                "weights": Out(weight_signature(accelerator, 1, ENTRY_BITS)),
                "result": Out(result_signature(accelerator)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        start, d, result = self.command.start, self.command.descriptor, self.result

        # -- the table: asked for one entry a cycle, written as it comes -----------------------------------------------
        loading = Signal()
        first = Signal()
        asked = Signal(range(ENTRIES))
        entry = Signal(range(ENTRIES))
        next_asked = net(m, "next_asked", asked + 1, asked.shape())
        next_entry = net(m, "next_entry", entry + 1, entry.shape())
        loaded = net(m, "loaded", loading & asked.all(), 1)
        with m.If(start):
            m.d.sync += [loading.eq(1), first.eq(1), asked.eq(0), entry.eq(0)]
        with m.Elif(loading):
            m.d.sync += [loading.eq(~loaded), first.eq(0), asked.eq(next_asked)]
        arrives = delay(m, loading, 2, "arrives", reset_less=False)
        with m.If(arrives):
            m.d.sync += entry.eq(next_entry)
        m.d.comb += [
            self.weights.advance.eq(loading),
            self.weights.rewind.eq(first),
            self.weights.base.eq(d.weight_base),
        ]

        running, last = count_groups(m, d.more_groups, start, loaded)
        address = self.read.address
        next_address = net(m, "next_address", address + self._lanes, address.shape())
        with m.If(start):
            m.d.sync += address.eq(d.in_first)
        with m.Elif(running):
            m.d.sync += address.eq(next_address)

        # -- lanes -----------------------------------------------------------------------------------------------------
        for lane in range(self._lanes):
            table = place(m, f"table_{lane}", Ram, platform, width=ENTRY_BITS, depth=ENTRIES)
            value = Signal(signed(ENTRY_BITS), name=f"value_{lane}", reset_less=True)
            m.d.sync += value.eq(table.read_data)
            m.d.comb += [
                table.write_enable.eq(arrives),
                table.write_address.eq(entry),
                table.write_data.eq(self.weights.weights[0]),
                table.read_address.eq(self.read.data[lane]),
                result.values[lane].eq(Cat(Const(0, _FRACTION), value).as_signed()),
            ]

        hand_on(m, self.command, result, running, last, LATENCY, self._lanes)
        m.d.comb += [result.low.eq(-(1 << ENTRY_BITS - 1)), result.high.eq((1 << ENTRY_BITS - 1) - 1)]
        return m
