"""The register file behind the bus."""

from __future__ import annotations

from amaranth.hdl import Cat, Module
from amaranth.lib.wiring import Component, In, Out

from hwq.arch import isa
from hwq.arch.isa import Register


class Registers(Component):
    """The registers of ``arch.isa``: ``read_data`` follows ``address`` by one cycle, writes act in the next cycle."""

    module = "hwq_registers"

    def __init__(self) -> None:
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
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        values = {
            Register.IDENTITY: isa.IDENTITY,
            Register.VERSION: isa.ISA_VERSION,
            Register.STATUS: Cat(self.busy, self.done, self.error),
            Register.CYCLES: self.cycles,
            Register.LAYERS: self.layers,
        }
        m.d.sync += self.read_data.eq(0)
        for register, value in values.items():
            with m.If(self.address == register.value):
                m.d.sync += self.read_data.eq(value)
        m.d.sync += self.start.eq(
            self.write_enable & (self.address == Register.CONTROL.value) & self.write_data[0] & ~self.busy
        )
        return m
