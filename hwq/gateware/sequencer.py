"""Sequencer: fetches descriptors, starts the units they ask for, waits for each to finish."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.gateware.descriptor import address_bits, descriptor_signature


class Sequencer(Component):
    """Executes the descriptors in memory, from the first to END.

    ``start`` is taken while not ``busy``. A descriptor is fetched one word per cycle; two cycles after its last word was
    asked for, ``conv_start`` marks one cycle in which ``descriptor`` is complete. It then stays as it is until
    ``conv_done``, whose next cycle fetches the next descriptor.

    ``cycles`` holds the cycles from ``start`` to the last ``conv_done``, ``layers`` the number of descriptors done.
    END sets ``done``; an unknown opcode sets ``done`` and ``error``. ``start`` clears all four.
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
        m.submodules.memory = memory = Memory(shape=isa.WORD_BITS, depth=self._words, init=[])
        reader, writer = memory.read_port(), memory.write_port()
        m.d.comb += [
            writer.addr.eq(self.write_address),
            writer.data.eq(self.write_data),
            writer.en.eq(self.write_enable),
        ]
        asked, word = Signal(range(words + 1)), Signal(range(words + 1))
        arriving = Signal()
        next_address, timer = Signal.like(reader.addr), Signal(32)
        m.d.comb += reader.addr.eq(next_address)
        m.d.sync += [timer.eq(timer + 1), arriving.eq(0), word.eq(asked)]
        opcode = Signal(isa.DESCRIPTOR.fields["opcode"].field.width)
        fields = {name: getattr(self.descriptor, name) for name in isa.DESCRIPTOR.fields if name != "opcode"}
        with m.If(arriving), m.Switch(word):
            for number in range(words):
                with m.Case(number):
                    for name, place in isa.DESCRIPTOR.fields.items():
                        if place.word == number:
                            register = opcode if name == "opcode" else fields[name]
                            m.d.sync += register.eq(reader.data[place.lsb :])

        with m.FSM(name="state"):
            with m.State("IDLE"):
                with m.If(self.start):
                    m.d.sync += [
                        self.busy.eq(1),
                        self.done.eq(0),
                        self.error.eq(0),
                        self.cycles.eq(0),
                        self.layers.eq(0),
                        timer.eq(1),
                        next_address.eq(0),
                        asked.eq(0),
                    ]
                    m.next = "FETCH"
            with m.State("FETCH"):
                with m.If(asked != words):
                    m.d.sync += [asked.eq(asked + 1), next_address.eq(next_address + 1), arriving.eq(1)]
                with m.Elif(~arriving):
                    m.next = "RUN"
                    with m.Switch(opcode):
                        with m.Case(isa.Opcode.CONV.value):
                            m.d.comb += self.conv_start.eq(1)
                        with m.Default():
                            m.d.sync += [
                                self.busy.eq(0),
                                self.done.eq(1),
                                self.error.eq(opcode != isa.Opcode.END.value),
                            ]
                            m.next = "IDLE"
            with m.State("RUN"):
                with m.If(self.conv_done):
                    m.d.sync += [self.cycles.eq(timer), self.layers.eq(self.layers + 1), asked.eq(0)]
                    m.next = "FETCH"
        return m
