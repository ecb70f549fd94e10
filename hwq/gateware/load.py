"""Load port: fills the memories while nothing runs."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator


def beat_layout(accelerator: Accelerator) -> data.StructLayout:
    """One beat, as ``Accelerator.beat`` lays it out."""
    return data.StructLayout({name: place.field.width for name, place in accelerator.beat.fields.items()})


class LoadPort(Component):
    """Assembles words of any width from beats of ``WORD_BITS`` and writes each in the cycle after its last beat.

    ``beats.ready`` is low while ``busy``; a beat offered then waits. Interval 1.
    """

    module = "hwq_load"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._widths = accelerator.word_bits
        most = max(-(-width // isa.WORD_BITS) for width in self._widths.values())
        self._bits = most * isa.WORD_BITS
        super().__init__(
            {
                "beats": In(stream.Signature(beat_layout(accelerator))),
                "busy": In(1),
                "address": Out(accelerator.load_address_bits),
                **{f"{space.name.lower()}_enable": Out(1) for space in isa.Space},
                **{f"{space.name.lower()}_data": Out(self._widths[space]) for space in isa.Space},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beats = self.beats
        m.d.comb += beats.ready.eq(~self.busy)
        # Beats enter at the top, so that a word of n beats ends up in the top n beats.
        assembled = Signal(self._bits)
        accepted = Signal()
        m.d.comb += accepted.eq(beats.valid & beats.ready)
        with m.If(accepted):
            m.d.sync += [
                assembled.eq(Cat(assembled[isa.WORD_BITS :], beats.payload.data)),
                self.address.eq(beats.payload.address),
            ]
        for space in isa.Space:
            name, width = space.name.lower(), self._widths[space]
            count = -(-width // isa.WORD_BITS)
            m.d.sync += getattr(self, f"{name}_enable").eq(
                accepted & beats.payload.last & (beats.payload.space == space.value)
            )
            m.d.comb += getattr(self, f"{name}_data").eq(assembled[self._bits - count * isa.WORD_BITS :][:width])
        return m
