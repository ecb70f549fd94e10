"""Counts of what left its width, descriptor by descriptor."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines import SUMMING
from hwq.arch.isa import COUNTERS
from hwq.gateware.library import place
from hwq.gateware.nets import net
from hwq.gateware.ports import events_signature
from hwq.gateware.ram import Ram, address_bits

_BITS = 32


class Overflows(Component):
    """Three counters of 32 bits, which saturate, kept for each descriptor when it has ``finished``.

    Each engine that accumulates has a port of its name; ``clamps`` comes from the results unit. ``start`` begins anew.
    ``layers`` is the number of descriptors that are done; what is shown follows ``counted`` by one cycle, and is 0 for
    descriptors that are not.
    """

    module = "hwq_overflows"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._depth = accelerator.buffers.descriptors
        self._engines = tuple(name for name in accelerator.engines if name in SUMMING)
        super().__init__(
            {
                **{name: In(events_signature(accelerator, name)) for name in self._engines},
                "clamps": In(range(accelerator.lanes + 1)),
                "start": In(1),
                "finished": In(1),
                "layers": In(16),
                "counted": In(16),
                **{register.name.lower(): Out(_BITS) for register in COUNTERS},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        events = {
            "psum": [getattr(self, name).psum for name in self._engines],
            "accumulator": [getattr(self, name).accumulator for name in self._engines],
            "clamp": [self.clamps],
        }
        counters = []
        for name, counts in events.items():
            counter = Signal(_BITS, name=f"{name}_counter")
            exact = net(m, f"{name}_sum", sum(counts[1:], counter + counts[0]), _BITS + 1)
            m.d.sync += counter.eq(Mux(exact[-1], (1 << _BITS) - 1, exact[:_BITS]))
            with m.If(self.start | self.finished):
                m.d.sync += counter.eq(0)
            counters.append(counter)

        memory = place(m, "count_memory", Ram, platform, width=_BITS * len(counters), depth=self._depth)
        bits = address_bits(self._depth)
        shown = Signal()
        m.d.sync += shown.eq(self.counted < self.layers)
        m.d.comb += [
            memory.write_enable.eq(self.finished),
            memory.write_address.eq(self.layers[:bits]),
            memory.write_data.eq(Cat(counters)),
            memory.read_address.eq(self.counted[:bits]),
        ]
        for number, register in enumerate(COUNTERS):
            value = memory.read_data[number * _BITS : (number + 1) * _BITS]
            m.d.comb += getattr(self, register.name.lower()).eq(Mux(shown, value, 0))
        return m
