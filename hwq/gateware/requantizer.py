"""Requantizer lane: one accumulator to one output code under contract ``double``."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.gateware.descriptor import field_shape
from hwq.gateware.fitting import fit
from hwq.gateware.nets import net
from hwq.gateware.pe import shape_of
from hwq.gateware.rounding import half_away
from hwq.numeric.accumulation import Accumulation, SumOverflow

_BIAS = isa.RECORD.fields["bias"].field
_MULTIPLIER = isa.RECORD.fields["multiplier"].field
_SHIFT = isa.RECORD.fields["shift"].field


class Requantizer(Component):
    """``code = clamp(zero_point + round(round((acc + bias) * 2^left * multiplier / 2^31) / 2^right), low, high)``.

    ``left`` is ``shift`` where positive, ``right`` its negative where negative. The inner rounding takes ties up, the
    outer one away from zero; ``acc + bias`` and its left shift wrap at 32 bits (docs/spec/numerics.md, contract
    ``double``), but where accumulators are wider the sum saturates. ``shift`` may not exceed ``max_left_shift``.

    ``clamped`` comes with a code whose value was outside the format of the codes, whatever ``low`` and ``high``; only
    where overflow is counted.

    Latency 8, interval 1, nothing stalls. ``zero_point``, ``low`` and ``high`` are constant while codes are in flight.
    """

    module = "hwq_requantizer"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._max_left = accelerator.requantizer.max_left_shift
        super().__init__(
            {
                "accumulator": In(signed(accelerator.value_bits)),
                "bias": In(signed(_BIAS.width)),
                "multiplier": In(_MULTIPLIER.width),
                "shift": In(signed(_SHIFT.width)),
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

        def stage(name: str, value: object, shape: object) -> Signal:
            register = Signal(shape, name=name, reset_less=True)
            m.d.sync += register.eq(value)
            return register

        # 1: the bias, at 32 bits.
        total = self.accumulator + self.bias
        if self._accelerator.accumulation.is_wide:
            entering, _ = fit(m, "bias_sum", total, 32, Accumulation(overflow=SumOverflow.SATURATE))
        else:
            entering = net(m, "bias_sum", total, signed(32))
        biased = stage("biased", entering, signed(32))
        multiplier_1 = stage("multiplier_1", self.multiplier, _MULTIPLIER.width)
        shift_1 = stage("shift_1", self.shift, signed(_SHIFT.width))

        # 2: the left shift.
        left_bits = self._max_left.bit_length()
        scaled_1 = biased
        for bit in range(left_bits):
            # One stage of the shifter per bit of the amount; what leaves at the top wraps.
            places, shifts = 1 << bit, net(m, f"shifts_{bit}", shift_1[bit] & ~shift_1[-1], 1)
            low = scaled_1[:places] & ~shifts.replicate(places)
            scaled_1 = net(m, f"left_{bit}", Cat(low, Mux(shifts, scaled_1[:-places], scaled_1[places:])), 32)
        scaled = stage("scaled", scaled_1, signed(32))
        multiplier_2 = stage("multiplier_2", multiplier_1, _MULTIPLIER.width)
        negative = net(m, "negative_shift", -shift_1, _SHIFT.width - 1)
        right_2 = stage("right_2", Mux(shift_1[-1], negative, 0), _SHIFT.width - 1)

        # 3 to 5: a 32 x 31 bit product from four products that fit DSP multipliers. Half of the inner rounding's unit,
        # 2^30, enters as 2^14 in the middle sum, which weighs 2^16.
        x_low, x_high = scaled[:16], scaled[16:].as_signed()
        y_low, y_high = multiplier_2[:16], multiplier_2[16:]
        low_low = stage("low_low", x_low * y_low, 32)
        low_high = stage("low_high", x_low * y_high, 31)
        high_low = stage("high_low", x_high * y_low, signed(32))
        high_high = stage("high_high", x_high * y_high, signed(31))
        right_3 = stage("right_3", right_2, right_2.shape())

        halfway = net(m, "halfway", high_low + Const(1 << 14, signed(32)), signed(33))
        middle = stage("middle", net(m, "middle_sum", low_high + halfway, signed(34)), signed(34))
        outer = stage("outer", Cat(low_low, high_high).as_signed(), signed(63))
        right_4 = stage("right_4", right_3, right_3.shape())

        # Of the 31 bits that the shift drops only the carry lives on.
        dropped = net(m, "dropped_sum", outer[:31] + Cat(Const(0, 16), middle[:15]), 32)
        carry = net(m, "carry", dropped >= 1 << 31, 1)
        kept = net(m, "kept_sum", outer[31:].as_signed() + middle[15:].as_signed() + carry, signed(32))
        doubled = stage("doubled", kept, signed(32))
        right_5 = stage("right_5", right_4, right_4.shape())

        # 6, 7: right shift, half away from zero.
        nudged = stage("nudged", half_away(m, doubled, right_5, 31), signed(33))
        right_6 = stage("right_6", right_5, right_5.shape())
        rounded = stage("rounded", nudged >> right_6, signed(33))

        # 8: zero-point and clamp.
        shifted = net(m, "shifted", rounded + self.zero_point, signed(34))
        bits = len(self.code)
        code = Mux(shifted > self.high, self.high[:bits], shifted[:bits])
        m.d.sync += self.code.eq(Mux(shifted < self.low, self.low[:bits], code))
        if self._accelerator.may_overflow:
            spare = shifted[bits - 1 :]
            m.d.sync += self.clamped.eq(spare.any() & ~spare.all())
        return m
