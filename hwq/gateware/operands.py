"""Operand stage: codes from memory become what multipliers take."""

from __future__ import annotations

from amaranth.hdl import Module, Mux
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.gateware.descriptor import field_shape
from hwq.gateware.nets import net
from hwq.gateware.pe import shape_of


class OperandStage(Component):
    """Zero-point and padding of ``elements`` codes, one cycle.

    Folded: ``operands[i] = codes[i] if valid[i] else zero_point``. Subtracted:
    ``operands[i] = codes[i] - zero_point if valid[i] else 0``.
    """

    module = "hwq_operands"

    def __init__(self, *, accelerator: Accelerator, elements: int) -> None:
        self._elements = elements
        self._subtracted = accelerator.subtracted
        super().__init__(
            {
                "codes": In(data.ArrayLayout(shape_of(accelerator.activation), self._elements)),
                "valid": In(self._elements),
                "zero_point": In(field_shape("in_zero_point", accelerator)),
                "operands": Out(data.ArrayLayout(shape_of(accelerator.operand), self._elements)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for i in range(self._elements):
            code = self.codes[i]
            if self._subtracted:
                difference = code - self.zero_point
                real, padding = net(m, f"difference_{i}", difference, self.operands[i].shape()), 0
            else:
                real, padding = code, self.zero_point
            m.d.sync += self.operands[i].eq(Mux(self.valid[i], real, padding))
        return m
