"""The register file behind the bus."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Value
from amaranth.lib.wiring import Component, In, Out

from hwq.arch import isa
from hwq.arch.isa import Register
from hwq.gateware.nets import net


class Registers(Component):
    """The registers of ``arch.isa``: ``read_data`` follows ``address`` by one cycle, writes act in the next cycle.

    Other addresses read 0 and ignore writes; so does CONTROL where a reserved bit is written 1. With ``counters``
    ``counted`` is what was last written to COUNTED, and its counts are shown.
    """

    module = "hwq_registers"

    def __init__(self, *, counters: bool = False) -> None:
        self._counters = isa.COUNTERS if counters else ()
        super().__init__(
            {
                "address": In(8),
                "write_enable": In(1),
                "write_data": In(32),
                "read_data": Out(32),
                "start": Out(1),
                "busy": In(1),
                "done": In(1),
                "error": In(1),
                "cycles": In(32),
                "layers": In(16),
                **({"counted": Out(16)} if counters else {}),
                **{register.name.lower(): In(32) for register in self._counters},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        values = {
            Register.IDENTITY: isa.IDENTITY,
            Register.VERSION: isa.ISA_VERSION,
            Register.STATUS: self._bits(Register.STATUS),
            Register.CYCLES: self.cycles,
            Register.LAYERS: self.layers,
            **{register: getattr(self, register.name.lower()) for register in self._counters},
        }
        read: Value = Const(0, 32)
        for register, value in values.items():
            addressed = net(m, f"reads_{register.name.lower()}", self.address == register.value, 1)
            read |= Value.cast(value) & addressed.replicate(32)
        command = self.write_enable & (self.address == Register.CONTROL.value)
        start = isa.bit_mask(Register.CONTROL, "START")
        m.d.sync += [self.read_data.eq(read), self.start.eq(command & (self.write_data == start) & ~self.busy)]
        if self._counters:
            with m.If(self.write_enable & (self.address == Register.COUNTED.value)):
                m.d.sync += self.counted.eq(self.write_data)
        return m

    def _bits(self, register: Register) -> Value:
        """A register made of its named bits, each a port of the same name in lower case."""
        places = {bit: name for name, bit, _ in isa.REGISTERS[register].bits}
        return Cat(
            getattr(self, places[bit].lower()) if bit in places else Const(0, 1) for bit in range(max(places) + 1)
        )
