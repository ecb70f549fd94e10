"""Weight memory and its reader."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import Component, In

from hwq.arch.accelerator import Accelerator
from hwq.gateware.library import place
from hwq.gateware.nets import net, select
from hwq.gateware.ports import weight_signature
from hwq.gateware.ram import Ram, address_bits


class WeightMemory(Component):
    """Rows of weight tiles in the order in which they are used, column 0 lowest; a word is one row or several.

    Each cycle of ``read.advance`` reads the next row, or with ``rewind`` the first one of the word at ``base`` and then
    those after it. The row is on ``read.weights`` 2 cycles later.

    Where rows are packed, ``2 ** read.packing`` of them share a word, which is constant from a ``rewind`` on: the place
    of each column is cut to as many equal parts, and the row that is used first has the lowest. A part of 1 bit is -1
    or 1.
    """

    module = "hwq_weights"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._words = accelerator.weight_words
        super().__init__(
            {
                "read": In(weight_signature(accelerator)),
                "write_enable": In(1),
                "write_address": In(address_bits(self._words)),
                "write_data": In(accelerator.array.columns * accelerator.arithmetic.weight_bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = self._accelerator.arithmetic.weight_bits
        memory = place(m, "weight_rows", Ram, platform, width=len(self.write_data), depth=self._words)
        following = Signal.like(memory.read_address)
        address = memory.read_address
        after = net(m, "address_after", address + 1, following.shape())
        m.d.comb += [
            address.eq(Mux(self.read.rewind, self.read.base, following)),
            memory.write_address.eq(self.write_address),
            memory.write_data.eq(self.write_data),
            memory.write_enable.eq(self.write_enable),
        ]
        # Which row of the word is read, and whether the next one is in the next word.
        row, leaves = self._rows(m) if self._accelerator.packs_weights else (None, None)
        with m.If(self.read.advance):
            m.d.sync += following.eq(after if row is None else Mux(leaves, after, address))
        if row is None and bits > 1:
            m.d.sync += self.read.weights.as_value().eq(memory.read_data)
            return m
        for column, weight in enumerate(self.read.weights):
            cell = memory.read_data[column * bits : (column + 1) * bits]
            m.d.sync += weight.eq(net(m, f"weight_{column}", self._part(cell, row), weight.shape()))
        return m

    def _rows(self, m: Module) -> tuple[Signal, Signal]:
        """(Row of the word that memory shows, whether the one asked for now is its word's last)."""
        most = len(self._accelerator.weight_fields) - 1
        next_row = Signal(most)
        row = Signal(most)
        asked = net(m, "row_asked", Mux(self.read.rewind, 0, next_row), most)
        # The bits that count rows of a word are those below its packing.
        counted = net(m, "rows_counted", Cat(self.read.packing > bit for bit in range(most)), most)
        last = net(m, "row_last", (asked & counted) == counted, 1)
        row_after = net(m, "row_after", (asked + 1) & counted, most)
        with m.If(self.read.advance):
            m.d.sync += [next_row.eq(row_after), row.eq(asked)]
        return row, last

    def _part(self, cell: Any, row: Any) -> Any:
        """The weight of ``row`` in a column's place of a word."""
        fields = self._accelerator.weight_fields
        if row is None:
            return _value(cell)
        parts = []
        for packing, width in enumerate(fields):
            choices = [_value(cell[n * width : (n + 1) * width]) for n in range(1 << packing)]
            parts.append(select(choices, row))
        return select(parts, self.read.packing)


def _value(code: Any) -> Any:
    """What a code stands for."""
    return Mux(code, 1, -1) if len(code) == 1 else code.as_signed()
