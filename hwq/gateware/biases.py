"""Biases that accumulators begin with: the next job's, fetched while the present one runs."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Opcode
from hwq.gateware.descriptor import descriptor_signature
from hwq.gateware.library import place
from hwq.gateware.nets import delay, net
from hwq.gateware.ports import bias_signature
from hwq.gateware.ram import Ram, address_bits


class Biases(Component):
    """``starts[c]`` is what output channel c of a job begins with.

    Biases lie as records do, a word for each group of lanes, and are written with them. With ``start`` those of the
    layer's first block are fetched, a group a cycle; with ``job_begin``, which comes with a job's first step, they move
    to ``starts`` in the next cycle and the next block's are fetched, after the last block those of the first again.
    From one ``job_begin`` to the next, and from ``start`` to the first, it takes 2 cycles more than a block has groups.
    """

    module = "hwq_biases"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._columns, self._bits = accelerator.array.columns, accelerator.arithmetic.accumulator_bits
        super().__init__(
            {
                "descriptor": In(descriptor_signature(accelerator, Opcode.CONV, "record_base", "blocks")),
                "start": In(1),
                "job_begin": In(1),
                "starts": Out(data.ArrayLayout(signed(self._bits), self._columns)),
                "write": In(bias_signature(accelerator)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        accelerator, d = self._accelerator, self.descriptor
        lanes, words = accelerator.lanes, accelerator.record_words
        groups = self._columns // lanes
        memory = place(m, "bias_memory", Ram, platform, width=lanes * self._bits, depth=words)
        m.d.comb += [
            memory.write_enable.eq(self.write.enable),
            memory.write_address.eq(self.write.address),
            memory.write_data.eq(self.write.data.as_value()),
        ]
        fetching = Signal()
        group = Signal(range(groups))
        block = Signal(d.blocks.shape())
        address = Signal(address_bits(words))
        next_group = net(m, "next_group", group + 1, group.shape())
        next_block = net(m, "next_block", block + 1, block.shape())
        next_address = net(m, "next_address", address + 1, address.shape())
        group_last = net(m, "group_last", group == groups - 1, 1)
        block_last = net(m, "block_last", next_block == d.blocks, 1)
        m.d.comb += memory.read_address.eq(address)
        with m.If(fetching):
            m.d.sync += [group.eq(Mux(group_last, 0, next_group)), address.eq(next_address)]
            with m.If(group_last):
                m.d.sync += [fetching.eq(0), block.eq(Mux(block_last, 0, next_block))]
                with m.If(block_last):
                    m.d.sync += address.eq(d.record_base)
        with m.If(self.job_begin):
            m.d.sync += fetching.eq(1)
        with m.If(self.start):
            m.d.sync += [fetching.eq(1), group.eq(0), block.eq(0), address.eq(d.record_base)]

        # A group's word answers in the next cycle.
        arriving = delay(m, fetching, 1, "arriving", reset_less=False)
        arriving_group = delay(m, group, 1, "arriving_group")
        words_of = data.View(data.ArrayLayout(signed(self._bits), lanes), memory.read_data)
        coming = Signal(self.starts.shape(), reset_less=True)
        for number in range(groups):
            with m.If(arriving & (arriving_group == number)):
                m.d.sync += [coming[number * lanes + lane].eq(words_of[lane]) for lane in range(lanes)]
        with m.If(self.job_begin):
            m.d.sync += self.starts.eq(coming)
        return m
