"""Sequencer: fetches descriptors, starts the units they ask for, waits for each to finish."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib.wiring import Component, In, Out

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.gateware.descriptor import descriptor_signature
from hwq.gateware.library import place
from hwq.gateware.nets import net
from hwq.gateware.ram import Ram, address_bits


class Sequencer(Component):
    """Executes the descriptors in memory, from the first to END.

    ``start`` is taken while not ``busy``. A descriptor is fetched one word per cycle; two cycles after its last word
    was asked for, ``conv_start`` marks one cycle in which ``descriptor`` is complete. It then stays as it is until
    ``conv_done``, whose next cycle fetches the next descriptor.

    ``cycles`` holds the cycles from ``start`` to the last ``conv_done``, ``layers`` the number of descriptors done.
    END sets ``done``; an unknown opcode, or a bit set that no field of this accelerator keeps, sets ``done`` and
    ``error``. ``start`` clears all four.
    """

    module = "hwq_sequencer"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._words = accelerator.descriptor_words
        super().__init__(
            {
                "start": In(1),
                "busy": Out(1),
                "done": Out(1),
                "error": Out(1),
                "cycles": Out(32),
                "layers": Out(16),
                "descriptor": Out(descriptor_signature(accelerator)),
                "conv_start": Out(1),
                "conv_done": In(1),
                "write_enable": In(1),
                "write_address": In(address_bits(self._words)),
                "write_data": In(isa.WORD_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = isa.DESCRIPTOR.words
        memory = place(m, "descriptor_memory", Ram, platform, width=isa.WORD_BITS, depth=self._words)
        m.d.comb += [
            memory.write_address.eq(self.write_address),
            memory.write_data.eq(self.write_data),
            memory.write_enable.eq(self.write_enable),
        ]
        running = Signal()
        fetching = Signal()
        asked = Signal(range(words + 1))
        word = Signal(range(words + 1))
        arriving = Signal()
        malformed = Signal()
        address = Signal.like(memory.read_address)
        timer = Signal(32)
        next_timer = net(m, "next_timer", timer + 1, timer.shape())
        next_asked = net(m, "next_asked", asked + 1, asked.shape())
        next_address = net(m, "next_address", address + 1, address.shape())
        next_layers = net(m, "next_layers", self.layers + 1, self.layers.shape())
        asking = net(m, "asking", fetching & (asked != words), 1)
        complete = net(m, "complete", fetching & (asked == words) & ~arriving, 1)
        m.d.comb += [memory.read_address.eq(address), self.busy.eq(running | fetching)]
        m.d.sync += [timer.eq(next_timer), arriving.eq(asking), word.eq(asked)]
        with m.If(asking):
            m.d.sync += [asked.eq(next_asked), address.eq(next_address)]

        # Fields stand in registers of their own, as wide as this accelerator needs them; every bit beyond is checked.
        opcode = Signal(isa.DESCRIPTOR.fields["opcode"].field.width)
        for number in range(words):
            spare = Const((1 << isa.WORD_BITS) - 1, isa.WORD_BITS)
            wrong = []
            with m.If(arriving & (word == number)):
                for name, placed in isa.DESCRIPTOR.fields.items():
                    if placed.word != number:
                        continue
                    register = opcode if name == "opcode" else getattr(self.descriptor, name)
                    kept = placed.lsb + len(register)
                    m.d.sync += register.eq(memory.read_data[placed.lsb : kept])
                    spare = Const(spare.value & ~(((1 << placed.field.width) - 1) << placed.lsb), isa.WORD_BITS)
                    sign = register.shape().signed
                    fill = memory.read_data[kept - 1] if sign else 0
                    wrong += [memory.read_data[bit] != fill for bit in range(kept, placed.lsb + placed.field.width)]
                wrong += [memory.read_data[bit] for bit in range(isa.WORD_BITS) if spare.value >> bit & 1]
                if wrong:
                    with m.If(Cat(wrong).any()):
                        m.d.sync += malformed.eq(1)

        m.d.comb += self.conv_start.eq(complete & (opcode == isa.Opcode.CONV.value) & ~malformed)
        with m.If(complete):
            m.d.sync += fetching.eq(0)
            with m.If(self.conv_start):
                m.d.sync += running.eq(1)
            with m.Else():
                m.d.sync += [self.done.eq(1), self.error.eq(malformed | (opcode != isa.Opcode.END.value))]
        with m.If(running & self.conv_done):
            m.d.sync += [
                running.eq(0),
                fetching.eq(1),
                asked.eq(0),
                self.cycles.eq(next_timer),
                self.layers.eq(next_layers),
            ]
        with m.If(self.start & ~self.busy):
            m.d.sync += [
                fetching.eq(1),
                asked.eq(0),
                address.eq(0),
                malformed.eq(0),
                timer.eq(0),
                self.done.eq(0),
                self.error.eq(0),
                self.cycles.eq(0),
                self.layers.eq(0),
            ]
        return m
