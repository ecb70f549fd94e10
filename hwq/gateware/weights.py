"""Weight memory and its reader."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.wiring import Component, In

from hwq.arch.accelerator import Accelerator
from hwq.gateware.library import place
from hwq.gateware.nets import net
from hwq.gateware.ports import weight_signature
from hwq.gateware.ram import Ram, address_bits


class WeightMemory(Component):
    """Rows of weight tiles in the order in which they are used; a word is one array row, column 0 lowest.

    Each cycle of ``read.advance`` reads the next word, or with ``rewind`` the word at ``base`` and then those after it.
    The word is on ``read.weights`` 2 cycles later.
    """

    module = "hwq_weights"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._words, self._columns = accelerator.weight_words, accelerator.array.columns
        self._width = accelerator.weight.width
        super().__init__(
            {
                "read": In(weight_signature(accelerator)),
                "write_enable": In(1),
                "write_address": In(address_bits(self._words)),
                "write_data": In(self._columns * self._width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        memory = place(m, "weight_rows", Ram, platform, width=self._columns * self._width, depth=self._words)
        following = Signal.like(memory.read_address)
        after = net(m, "address_after", memory.read_address + 1, following.shape())
        m.d.comb += [
            memory.read_address.eq(Mux(self.read.rewind, self.read.base, following)),
            memory.write_address.eq(self.write_address),
            memory.write_data.eq(self.write_data),
            memory.write_enable.eq(self.write_enable),
        ]
        with m.If(self.read.advance):
            m.d.sync += following.eq(after)
        m.d.sync += self.read.weights.as_value().eq(memory.read_data)
        return m
