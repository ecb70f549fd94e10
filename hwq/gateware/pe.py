"""Processing element: one multiplier, two weights, one addition."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal, signed
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
    """``psum_out = psum_in + operand_in * weight``, wrapped to ``psum_bits``, or fitted to it.

    The product is truncated first where ``accumulation`` says so.

    The element holds two weights: ``weight`` multiplies, ``loaded`` waits. One that arrives with ``load_in`` becomes
    the loaded one, so the next tile loads while this one computes. ``renew_in`` travels one cycle before the first
    operand of that tile: from the next cycle on the loaded weight multiplies. One that arrives with it waits for the
    tile after.

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
                "renew_in": In(1),
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
        # Nothing but registers is before the multiplier, for the multiplier and the ways to it and from it take
        # most of a cycle.
        loaded, weight = (Signal(self.weight_in.shape(), name=name, reset_less=True) for name in ("loaded", "weight"))
        with m.If(self.load_in):
            m.d.sync += loaded.eq(self.weight_in)
        with m.If(self.renew_in):
            m.d.sync += weight.eq(loaded)

        spec = self._accumulation
        exact = self.operand_in * weight
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
