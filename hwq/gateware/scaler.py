"""Input scaler: what a code of one operand adds to a sum of two."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.elementwise import FRACTION, LONGEST_SHIFT, SCALER_LATENCY, TERM_BITS
from hwq.arch.isa import FIELDS
from hwq.gateware.descriptor import field_shape
from hwq.gateware.nets import net
from hwq.gateware.pe import shape_of
from hwq.gateware.rounding import half_away

#: Bits that the inner rounding drops: 31 of the multiplier's fraction, less those that the code is given.
_DROPPED = 31 - FRACTION

#: Bits of the multiplier's lower piece; both pieces fit DSP multipliers.
_PIECE = 16


class InputScaler(Component):
    """``term = round(round((code - zero_point) * 2^20 * multiplier / 2^31) / 2^shift)``.

    The inner rounding takes ties up, the outer one away from zero (docs/spec/numerics.md, N.6). ``shift`` is at most
    `LONGEST_SHIFT`.

    Latency `SCALER_LATENCY`, interval 1, nothing stalls. ``zero_point``, ``multiplier`` and ``shift`` are constant
    while codes are in flight.
    """

    module = "hwq_input_scaler"

    def __init__(self, *, accelerator: Accelerator) -> None:
        self._code = shape_of(accelerator.activation)
        super().__init__(
            {
                "code": In(self._code),
                "zero_point": In(field_shape("zero_point_a", accelerator)),
                "multiplier": In(FIELDS["multiplier_a"].width),
                "shift": In(FIELDS["shift_a"].width),
                "term": Out(signed(TERM_BITS)),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from code to term."""
        return SCALER_LATENCY

    def elaborate(self, platform: object) -> Module:
        m = Module()

        def stage(name: str, value: object, shape: object) -> Signal:
            register = Signal(shape, name=name, reset_less=True)
            m.d.sync += register.eq(value)
            return register

        # 1, 2: the code less its zero-point, times both pieces of the multiplier.
        centered = stage("centered", self.code - self.zero_point, signed(self._code.width + 1))
        bits = len(centered)
        low = stage("low", centered * self.multiplier[:_PIECE], signed(bits + _PIECE))
        high = stage("high", centered * self.multiplier[_PIECE:], signed(bits + len(self.multiplier) - _PIECE))

        # 3: of the bits that the inner rounding drops only the carry lives on.
        half = 1 << (_DROPPED - 1)
        dropped = net(m, "dropped_sum", low[:_DROPPED] + half, _DROPPED + 1)
        carry = net(m, "carry", dropped >= 2 * half, 1)
        weighed = Cat(Const(0, _PIECE - _DROPPED), high).as_signed()
        kept = net(m, "kept_sum", weighed + low[_DROPPED:].as_signed() + carry, signed(bits + FRACTION))
        scaled = stage("scaled", kept, kept.shape())

        # 4, 5: the outer rounding.
        nudge = half_away(m, scaled, self.shift, LONGEST_SHIFT)
        nudged = stage("nudged", nudge, nudge.shape())
        m.d.sync += self.term.eq(nudged >> self.shift)
        return m
