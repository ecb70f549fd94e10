"""Requantizer lane: one sum to one output code, by the contract of the design (docs/spec/numerics.md, N.10)."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.gateware.descriptor import field_shape, record_shape
from hwq.gateware.fitting import fit
from hwq.gateware.nets import delay, net
from hwq.gateware.pe import shape_of
from hwq.gateware.rounding import half_away, rounds_up
from hwq.numeric.accumulation import Accumulation, SumOverflow
from hwq.numeric.requantization import OutputOverflow
from hwq.numeric.requantize import Contract
from hwq.numeric.rounding import Rounding

#: Largest right shift of contracts with an exponent.
MOST_RIGHT = 31

#: Bits of a piece of a factor: pieces fit DSP multipliers.
_PIECE = 16


class Requantizer(Component):
    """``code = clamp(zero_point + scaled, low, high)``, ``scaled`` by contract from a sum and the channel's record.

    The sum enters with 32 bits: it wraps, as its sum with the bias and its left shift do, or saturates where
    accumulators are wider. ``shift`` may not exceed ``max_left_shift``, except under ``single``, which needs no left
    shifter.

    ``wrap``, there where the output overflow is that, comes with the sum: the code is cut from the result before it is
    clamped. ``clamped`` comes with a code whose value was outside the format of the codes, whatever ``low`` and
    ``high``; only where overflow is counted.

    Latency `Accelerator.requantizer_latency`, interval 1, nothing stalls. ``zero_point``, ``low`` and ``high`` are
    constant while codes are in flight.
    """

    module = "hwq_requantizer"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator, self._spec = accelerator, accelerator.requantization
        self._wraps = self._spec.output_overflow is OutputOverflow.WRAP
        record = record_shape(accelerator)
        super().__init__(
            {
                "accumulator": In(signed(accelerator.value_bits)),
                **{name: In(field.shape) for name, field in record},
                **({"wrap": In(1)} if self._wraps else {}),
                "zero_point": In(field_shape("out_zero_point", accelerator)),
                "low": In(field_shape("low", accelerator)),
                "high": In(field_shape("high", accelerator)),
                "code": Out(shape_of(accelerator.activation)),
                **({"clamped": Out(1)} if accelerator.may_overflow else {}),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from accumulator to code."""
        return self._accelerator.requantizer_latency

    def elaborate(self, platform: object) -> Module:
        m = Module()
        scaled = {
            Contract.DOUBLE: self._twice_rounded,
            Contract.UP2: self._twice_rounded,
            Contract.SINGLE: self._once_rounded,
            Contract.PLAIN: self._plain,
            Contract.SHIFT: self._shifted,
        }[self._spec.contract](m)
        self._finish(m, scaled)
        return m

    # -- contracts -------------------------------------------------------------------------------------------------

    def _twice_rounded(self, m: Module) -> Signal:
        """DOUBLE and UP2: ``round(high(sum * 2^left) / 2^right)``, the inner rounding with halves up.

        The outer one takes halves away from zero, under UP2 only where the record says so.
        """
        stage = self._stage
        # 1: the bias, at 32 bits.
        biased = self._biased(m)
        multiplier_1 = stage(m, "multiplier_1", self.multiplier, len(self.multiplier))
        shift_1 = stage(m, "shift_1", self.shift, signed(len(self.shift)))

        # 2: the left shift.
        scaled = self._left(m, biased, shift_1)
        multiplier_2 = stage(m, "multiplier_2", multiplier_1, len(multiplier_1))
        right_2 = self._right(m, shift_1)

        # 3 to 5: a 32 x 31 bit product from four products that fit DSP multipliers. Half of the inner rounding's unit,
        # 2^30, enters as 2^14 in the middle sum, which weighs 2^16.
        x_low, x_high = scaled[:16], scaled[16:].as_signed()
        y_low, y_high = multiplier_2[:16], multiplier_2[16:]
        low_low = stage(m, "low_low", x_low * y_low, 32)
        low_high = stage(m, "low_high", x_low * y_high, 31)
        high_low = stage(m, "high_low", x_high * y_low, signed(32))
        high_high = stage(m, "high_high", x_high * y_high, signed(31))
        right_3 = stage(m, "right_3", right_2, right_2.shape())

        halfway = net(m, "halfway", high_low + Const(1 << 14, signed(32)), signed(33))
        middle = stage(m, "middle", net(m, "middle_sum", low_high + halfway, signed(34)), signed(34))
        outer = stage(m, "outer", Cat(low_low, high_high).as_signed(), signed(63))
        right_4 = stage(m, "right_4", right_3, right_3.shape())

        # Of the 31 bits that the shift drops only the carry lives on.
        dropped = net(m, "dropped_sum", outer[:31] + Cat(Const(0, 16), middle[:15]), 32)
        carry = net(m, "carry", dropped >= 1 << 31, 1)
        kept = net(m, "kept_sum", outer[31:].as_signed() + middle[15:].as_signed() + carry, signed(32))
        doubled = stage(m, "doubled", kept, signed(32))
        right_5 = stage(m, "right_5", right_4, right_4.shape())

        # 6, 7: right shift, half away from zero.
        away = delay(m, self.away, 5, "away") if self._spec.contract is Contract.UP2 else None
        nudged = stage(m, "nudged", half_away(m, doubled, right_5, MOST_RIGHT, away), signed(33))
        right_6 = stage(m, "right_6", right_5, right_5.shape())
        return stage(m, "rounded", nudged >> right_6, signed(33))

    def _once_rounded(self, m: Module) -> Signal:
        """SINGLE: the whole product, and one rounding with halves up."""
        # 31 - shift, from 1 to 62.
        right = net(m, "right", 31 - self.shift, 6)
        product = self._product(m, delay(m, self._biased(m), 1, "biased_delay"))
        return self._rounded(m, product, delay(m, right, 5, "right"), Rounding.HALF_UP)

    def _plain(self, m: Module) -> Signal:
        """PLAIN: product, addition, one shift."""
        entering = self._stage(m, "entering", self._entering(m, "sum_cut", self.accumulator), signed(32))
        product = self._product(m, delay(m, entering, 1, "entering_delay"), delay(m, self.add, 4, "add"))
        return self._rounded(m, product, delay(m, self.right, 5, "right"), self._spec.rounding)

    def _shifted(self, m: Module) -> Signal:
        """SHIFT: no product at all."""
        shift_1 = self._stage(m, "shift_1", self.shift, signed(len(self.shift)))
        scaled = self._left(m, self._biased(m), shift_1)
        return self._rounded(m, scaled, self._right(m, shift_1), self._spec.rounding)

    # -- what they share ---------------------------------------------------------------------------------------------

    @staticmethod
    def _stage(m: Module, name: str, value: Any, shape: Any) -> Signal:
        register = Signal(shape, name=name, reset_less=True)
        m.d.sync += register.eq(value)
        return register

    def _entering(self, m: Module, name: str, total: Any) -> Signal:
        """A sum as the 32 bits that are scaled."""
        if self._accelerator.accumulation.is_wide:
            return fit(m, name, total, 32, Accumulation(overflow=SumOverflow.SATURATE))[0]
        return net(m, name, total, signed(32))

    def _biased(self, m: Module) -> Signal:
        """Cycle 1: the bias, at 32 bits."""
        return self._stage(m, "biased", self._entering(m, "bias_sum", self.accumulator + self.bias), signed(32))

    def _left(self, m: Module, biased: Signal, shift: Any) -> Signal:
        """Cycle 2: the left shift, one stage of the shifter per bit of the amount; what leaves at the top wraps."""
        value: Any = biased
        for bit in range(self._accelerator.requantizer.max_left_shift.bit_length()):
            places, shifts = 1 << bit, net(m, f"shifts_{bit}", shift[bit] & ~shift[-1], 1)
            low = value[:places] & ~shifts.replicate(places)
            value = net(m, f"left_{bit}", Cat(low, Mux(shifts, value[:-places], value[places:])), 32)
        return self._stage(m, "scaled", value, signed(32))

    def _right(self, m: Module, shift: Any) -> Signal:
        """Cycle 2: how far to the right."""
        negative = net(m, "negative_shift", -shift, len(shift) - 1)
        return self._stage(m, "right_2", Mux(shift[-1], negative, 0), len(shift) - 1)

    def _product(self, m: Module, x: Any, add: Any = None) -> Signal:
        """Cycles 3 to 5: ``x``, of cycle 2, times the multiplier, in pieces that fit DSP multipliers, and ``add``."""
        bits = len(self.multiplier)
        multiplier = delay(m, self.multiplier, 2, "multiplier")
        total: Any = None
        for number, low in enumerate(range(0, bits, _PIECE)):
            piece = multiplier[low : low + _PIECE]
            x_low, x_high = x[:_PIECE], x[_PIECE:].as_signed()
            under = self._stage(m, f"under_{number}", x_low * piece, _PIECE + len(piece))
            over = self._stage(m, f"over_{number}", x_high * piece, signed(_PIECE + len(piece)))
            whole = net(m, f"whole_{number}", under + Cat(Const(0, _PIECE), over).as_signed(), signed(32 + len(piece)))
            part = self._stage(m, f"part_{number}", whole, whole.shape())
            part = Cat(Const(0, low), part).as_signed() if low else part
            total = part if total is None else total + part
        total = total if add is None else total + add
        width = max(32 + bits, 0 if add is None else len(add)) + (add is not None)
        return self._stage(m, "product", net(m, "product_sum", total, signed(width)), signed(width))

    def _rounded(self, m: Module, value: Signal, right: Any, rounding: Rounding) -> Signal:
        """Two cycles: ``value / 2^right`` rounded, from the highest dropped bit and whether any below it is 1."""
        if rounding is Rounding.FLOOR:
            quotient = self._stage(m, "quotient", value >> right, signed(len(value)))
            return self._stage(m, "rounded", quotient, signed(len(value)))
        dropped = value & Cat(right > i + 1 for i in range(len(value)))
        sticky = self._stage(m, "sticky", dropped.any(), 1)
        # One bit below the quotient.
        quotient = self._stage(m, "quotient", Cat(Const(0, 1), value).as_signed() >> right, signed(len(value) + 1))
        whole = quotient[1:].as_signed()
        up = rounds_up(rounding, negative=quotient[-1], guard=quotient[0], sticky=sticky, odd=quotient[1])
        return self._stage(m, "rounded", whole + net(m, "up", up, 1), signed(len(value) + 1))

    def _finish(self, m: Module, scaled: Any) -> None:
        """The last cycle: zero-point and clamp."""
        total = net(m, "shifted", scaled + self.zero_point, signed(len(scaled) + 1))
        bits = len(self.code)
        fitted: Any = total
        if self._wraps:
            wrap = delay(m, self.wrap, self.latency - 1, "wrap")
            fitted = net(m, "fitted", Mux(wrap, total[:bits].as_signed(), total), signed(len(total)))
        code = Mux(fitted > self.high, self.high[:bits], fitted[:bits])
        m.d.sync += self.code.eq(Mux(fitted < self.low, self.low[:bits], code))
        if self._accelerator.may_overflow:
            spare = total[bits - 1 :]
            beyond = spare.any() & ~spare.all()
            if self._spec.output_overflow is OutputOverflow.SATURATE_SYMMETRIC:
                beyond = beyond | (total == -(1 << bits - 1))
            m.d.sync += self.clamped.eq(beyond)
