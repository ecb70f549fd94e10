"""Weight memory and its reader."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.gateware.descriptor import address_bits, field_shape
from hwq.gateware.nets import net
from hwq.gateware.pe import shape_of
from hwq.gateware.ports import read_port, write_port


class WeightMemory(Component):
    """Rows of weight tiles in the order in which they are used; a word is one array row, column 0 lowest.

    Each cycle of ``advance`` reads the next word, or with ``rewind`` the word at ``base`` and then those after it. The
    word is on ``weights`` 2 cycles later.
    """

    module = "hwq_weights"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._words, self._columns = accelerator.weight_words, accelerator.array.columns
        self._width = accelerator.weight.width
        super().__init__(
            {
                "advance": In(1),
                "rewind": In(1),
                "base": In(field_shape("weight_base", accelerator)),
                "weights": Out(data.ArrayLayout(shape_of(accelerator.weight), self._columns)),
                "write_enable": In(1),
                "write_address": In(address_bits(self._words)),
                "write_data": In(self._columns * self._width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self._columns * self._width, depth=self._words, init=[])
        reader, writer = read_port(memory, "read"), write_port(memory, "write")
        following = Signal.like(reader.addr)
        m.d.comb += [
            reader.addr.eq(Mux(self.rewind, self.base, following)),
            writer.addr.eq(self.write_address),
            writer.data.eq(self.write_data),
            writer.en.eq(self.write_enable),
        ]
        with m.If(self.advance):
            m.d.sync += following.eq(net(m, "address_after", reader.addr + 1, reader.addr.shape()))
        m.d.sync += self.weights.as_value().eq(reader.data)
        return m
