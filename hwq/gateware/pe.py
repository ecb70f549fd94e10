"""Processing element: one multiplier, two weights, one addition."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from hwq.gateware.fitting import fit
from hwq.gateware.nets import net
from hwq.gateware.rounding import shift_right
from hwq.numeric.accumulation import EXACT, Accumulation
from hwq.numeric.formats import IntFormat


def shape_of(format: IntFormat) -> Any:
    """Amaranth shape of an integer format."""
    return signed(format.width) if format.signed else format.width


class ProcessingElement(Component):
    """``psum_out = psum_in + operand_in * weight[bank_in]``, wrapped to ``psum_bits``, or fitted to it.

    The product is truncated first where ``accumulation`` says so.

    The element holds two weights. ``bank_in`` travels with the operands and says which one multiplies; a weight that
    arrives (``load_in``) goes into the other one, so the next tile loads while this one computes.

    Latency from ``operand_in`` to the sum that holds its product is 1 cycle, 2 with ``product_register``; from
    ``psum_in`` it is 1. Interval 1. Nothing stalls.

    Parameters
    ----------
    operand, weight:
        Formats of the factors.
    psum_bits:
        Width of the sums, two's complement.
    product_register:
        Whether the product is registered before it is added.
    accumulation:
        How products are truncated, and with ``most`` how sums are fitted.
    most:
        The largest count: ``count_out`` is ``count_in``, which comes with ``psum_in``, and one more where the sum did
        not fit. 0: sums wrap, and nothing is counted.
    """

    module = "hwq_pe"

    def __init__(
        self,
        *,
        operand: IntFormat,
        weight: IntFormat,
        psum_bits: int,
        product_register: bool,
        accumulation: Accumulation = EXACT,
        most: int = 0,
    ) -> None:
        self._product_register, self._accumulation, self._most = product_register, accumulation, most
        super().__init__(
            {
                "operand_in": In(shape_of(operand)),
                "bank_in": In(1),
                "load_in": In(1),
                "weight_in": In(shape_of(weight)),
                "psum_in": In(signed(psum_bits)),
                "psum_out": Out(signed(psum_bits)),
                **({"count_in": In(range(most + 1)), "count_out": Out(range(most + 1))} if most else {}),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from an operand to the sum that holds its product."""
        return 1 + self._product_register

    def elaborate(self, platform: object) -> Module:
        m = Module()
        weights = [Signal(self.weight_in.shape(), name=f"weight_{bank}", reset_less=True) for bank in range(2)]
        with m.If(self.load_in):
            with m.If(self.bank_in):
                m.d.sync += weights[0].eq(self.weight_in)
            with m.Else():
                m.d.sync += weights[1].eq(self.weight_in)

        spec = self._accumulation
        exact = self.operand_in * Mux(self.bank_in, weights[1], weights[0])
        exact = shift_right(m, "product", exact, spec.truncate, spec.truncate_rounding)
        product = Signal(exact.shape(), reset_less=True)
        m.d["sync" if self._product_register else "comb"] += product.eq(exact)
        total = self.psum_in + product
        if not self._most:
            m.d.sync += self.psum_out.eq(net(m, "psum", total, self.psum_out.shape()))
            return m
        fitted, out = fit(m, "total", total, len(self.psum_out), spec)
        m.d.sync += [
            self.psum_out.eq(fitted),
            self.count_out.eq(net(m, "count", self.count_in + out, len(self.count_out))),
        ]
        return m
