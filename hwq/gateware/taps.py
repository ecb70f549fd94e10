"""Taps of one channel: all products of a kernel at once, and their sum."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Const, Module, Signal, signed
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import FAN_IN
from hwq.gateware.descriptor import field_shape
from hwq.gateware.fitting import fit
from hwq.gateware.library import place
from hwq.gateware.nets import delay, net
from hwq.gateware.operands import OperandStage
from hwq.gateware.pe import shape_of
from hwq.gateware.rounding import shift_right


class Taps(Component):
    """``value = sum of operand[k] * weights[k]`` over all taps; operands are `OperandStage`'s.

    The sum is exact, and where overflow is a choice it is fitted to ``psum_bits`` and then to ``accumulator_bits``;
    ``psum_out`` and ``accumulator_out`` come with a value that did not fit. Where accumulators begin with the bias,
    ``bias`` comes when the products are there, two cycles after codes and weights.
    Where every sum is fitted, product is added to product in the order of the taps, a cycle each, and
    ``accumulator_out`` is how many of the sums did not fit.

    Latency 2 and a cycle for each level of the adder tree (`DepthwiseParameters.levels`), and one for fitting; interval
    1; nothing stalls.
    """

    module = "hwq_depthwise_taps"

    def __init__(self, *, accelerator: Accelerator) -> None:
        assert accelerator.depthwise is not None
        self._accelerator, self._taps = accelerator, accelerator.depthwise.taps
        self._exact = accelerator.window_bits
        #: How often a value may be counted.
        self._times = self._taps if accelerator.fits_every_sum else 1
        arithmetic = accelerator.arithmetic
        self._finishes, self._bits = accelerator.finishes_windows, arithmetic.accumulator_bits
        narrow = [bits for bits in (arithmetic.psum_bits, self._bits) if bits and self._finishes]
        width = self._bits if accelerator.begins_with_bias else min([self._exact, *narrow])
        counts = {"psum_out": Out(1), "accumulator_out": Out(range(self._times + 1))}
        super().__init__(
            {
                "codes": In(data.ArrayLayout(shape_of(accelerator.activation), self._taps)),
                "covered": In(self._taps),
                "zero_point": In(field_shape("in_zero_point", accelerator)),
                "weights": In(data.ArrayLayout(shape_of(accelerator.weight), self._taps)),
                **(counts if accelerator.may_overflow else {}),
                **({"bias": In(signed(self._bits))} if accelerator.begins_with_bias else {}),
                "value": Out(signed(width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        operands = place(m, "operand_stage", OperandStage, platform, accelerator=self._accelerator, elements=self._taps)
        m.d.comb += [
            operands.codes.eq(self.codes),
            operands.valid.eq(self.covered),
            operands.zero_point.eq(self.zero_point),
        ]
        spec = self._accelerator.accumulation
        terms = []
        for k in range(self._taps):
            weight = Signal(self.weights[k].shape(), name=f"weight_{k}", reset_less=True)
            exact = operands.operands[k] * weight
            exact = shift_right(m, f"product_{k}", exact, spec.truncate, spec.truncate_rounding)
            product = Signal(exact.shape(), name=f"product_{k}", reset_less=True)
            m.d.sync += [weight.eq(self.weights[k]), product.eq(exact)]
            terms.append(product)
        if self._accelerator.fits_every_sum:
            self._chain(m, terms)
            return m
        # No sum on the way needs more bits than the widest sum of all.
        widest, level = self._exact, 0
        while len(terms) > 1:
            level += 1
            sums = []
            for number, first in enumerate(range(0, len(terms), FAN_IN)):
                exact = sum(terms[first + 1 : first + FAN_IN], terms[first])
                total = Signal(signed(min(len(exact), widest)), name=f"sum_{level}_{number}", reset_less=True)
                m.d.sync += total.eq(net(m, f"total_{level}_{number}", exact, total.shape()))
                sums.append(total)
            terms = sums
        if not self._finishes:
            m.d.comb += self.value.eq(terms[0])
            return m
        self._finish(m, terms[0], level)
        return m

    def _finish(self, m: Module, value: Any, level: int) -> None:
        """A window's sum, ``level`` cycles after its products, fitted as a pass is, and added to the bias."""
        accelerator, accumulation = self._accelerator, self._accelerator.accumulation
        psum_bits = accelerator.arithmetic.psum_bits
        if psum_bits is not None and psum_bits <= len(value) and accelerator.may_overflow:
            value, out = fit(m, "psum_sum", value, psum_bits, accumulation)
            m.d.sync += self.psum_out.eq(out)
        if accelerator.begins_with_bias:
            value = value + delay(m, self.bias, level, "bias_delay")
        if self._bits <= len(value):
            value, out = fit(m, "accumulator_sum", value, self._bits, accumulation)
            if accelerator.may_overflow:
                m.d.sync += self.accumulator_out.eq(out)
        fitted = Signal(self.value.shape(), name="fitted", reset_less=True)
        m.d.sync += fitted.eq(value)
        m.d.comb += self.value.eq(fitted)

    def _chain(self, m: Module, products: list[Any]) -> None:
        """Products one after the other, each when the sum of those before it is there."""
        accelerator, bits = self._accelerator, self._bits
        total: Any = self.bias if accelerator.begins_with_bias else None
        count: Any = Const(0, 1)
        most = 0
        for k, product in enumerate(products):
            exact = product if total is None else total + delay(m, product, k, f"product_{k}_delay")
            if k and not accelerator.begins_with_bias:
                # No wider than so many products can be.
                exact = net(m, f"exact_{k}", exact, signed(min(len(exact), accelerator.window_sum_bits(k + 1))))
            fitted, out = fit(m, f"total_{k}", exact, bits, accelerator.accumulation)
            total = Signal(signed(min(bits, len(exact))), name=f"sum_{k}", reset_less=True)
            m.d.sync += total.eq(fitted)
            if not isinstance(out, Const):
                # Narrow sums of the first products always fit.
                most += 1
                counted = Signal(range(most + 1), name=f"count_{k}", reset_less=True)
                m.d.sync += counted.eq(count + out)
                count = counted
            elif most:
                count = delay(m, count, 1, f"count_{k}")
        m.d.comb += [self.value.eq(total), self.accumulator_out.eq(count)]
