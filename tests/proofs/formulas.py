"""What a lane computes, written for an SMT solver from docs/spec/numerics.md alone: N.2, N.3, N.4 and N.10.

Whole numbers are signed words of `WORD` bits, which none of the formulas leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import z3

from hwq.numeric.requantization import OutputOverflow, Requantization
from hwq.numeric.requantize import Contract
from hwq.numeric.rounding import Rounding

WORD = 80

Term = z3.BitVecRef


def whole(value: Term, *, signed: bool = True) -> Term:
    """A narrower code as a whole number."""
    return (z3.SignExt if signed else z3.ZeroExt)(WORD - value.size(), value)


def number(value: int) -> Term:
    """A constant."""
    return z3.BitVecVal(value, WORD)


def rounded(x: Term, d: Term, rounding: Rounding) -> Term:
    """``x / 2^d`` as N.2 defines it: q, or q + 1."""
    q = x >> d
    r, unit = x - (q << d), number(1) << d
    above, tie = 2 * r > unit, 2 * r == unit
    odd = z3.Extract(0, 0, q) == 1
    up = {
        Rounding.FLOOR: z3.BoolVal(False),
        Rounding.TOWARD_ZERO: z3.And(x < 0, r > 0),
        Rounding.HALF_UP: 2 * r >= unit,
        Rounding.HALF_TOWARD_ZERO: z3.Or(above, z3.And(tie, x < 0)),
        Rounding.HALF_DOWN: above,
        Rounding.HALF_AWAY: z3.Or(above, z3.And(tie, x >= 0)),
        Rounding.HALF_EVEN: z3.Or(above, z3.And(tie, odd)),
        Rounding.HALF_ODD: z3.Or(above, z3.And(tie, z3.Not(odd))),
    }[rounding]
    return z3.If(up, q + 1, q)


def wrapped(x: Term, bits: int) -> Term:
    """``x`` modulo 2^bits, N.3."""
    return whole(z3.Extract(bits - 1, 0, x))


def clipped(x: Term, low: Term, high: Term) -> Term:
    """The nearest value that is neither below ``low`` nor above ``high``."""
    return z3.If(x < low, low, z3.If(x > high, high, x))


@dataclass(frozen=True)
class Formula:
    """N.10 of one sum: ``sum`` and ``record`` are whole numbers, ``away`` among them too."""

    spec: Requantization
    sum: Term
    record: dict[str, Term]
    #: Whether accumulators have more than 32 bits, so that their sums saturate as they enter (N.9).
    wide: bool = False

    @property
    def right(self) -> Term:
        """How many bits the last shift drops."""
        if self.spec.contract is Contract.PLAIN:
            return self.record["right"]
        shift = self.record["shift"]
        return 31 - shift if self.spec.contract is Contract.SINGLE else z3.If(shift < 0, -shift, number(0))

    @property
    def factor(self) -> Term:
        """What the multiplier multiplies; under SHIFT, what is shifted to the right."""
        if self.spec.contract is Contract.PLAIN:
            return self._entering(self.sum)
        biased = self._entering(self.sum + self.record["bias"])
        if self.spec.contract is Contract.SINGLE:
            return biased
        shift = self.record["shift"]
        return wrapped(biased << z3.If(shift > 0, shift, number(0)), 32)

    def _entering(self, total: Term) -> Term:
        return clipped(total, number(-(1 << 31)), number((1 << 31) - 1)) if self.wide else wrapped(total, 32)

    def result(self, product: Term) -> Term:
        """The result before the zero-point, from ``factor * multiplier``; under SHIFT from ``factor``."""
        contract, right = self.spec.contract, self.right
        if contract is Contract.PLAIN:
            return rounded(product + self.record["add"], right, self.spec.rounding)
        if contract is Contract.SHIFT:
            return rounded(product, right, self.spec.rounding)
        if contract is Contract.SINGLE:
            return rounded(product, right, Rounding.HALF_UP)
        return self.again(self.high(product))

    def high(self, product: Term) -> Term:
        """Under DOUBLE and UP2: what the first rounding leaves."""
        return rounded(product, number(31), Rounding.HALF_UP)

    def again(self, high: Term) -> Term:
        """Under DOUBLE and UP2: the result, by the second rounding."""
        right = self.right
        up, away = (rounded(high, right, rounding) for rounding in (Rounding.HALF_UP, Rounding.HALF_AWAY))
        return away if self.spec.contract is Contract.DOUBLE else z3.If(self.record["away"] != 0, away, up)

    def code(self, result: Term, zero_point: Term, low: Term, high: Term, bits: int, wraps: Term | None = None) -> Term:
        """The code: fitted by the output's overflow, clamped by the activation last.

        Where ``wraps`` is 0, codes that would wrap saturate: those of layers without sums.
        """
        total, lowest, most = result + zero_point, self._lowest(bits), (1 << bits - 1) - 1
        fitted = clipped(total, number(lowest), number(most))
        if self.spec.output_overflow is OutputOverflow.WRAP:
            always = wrapped(total, bits)
            fitted = always if wraps is None else z3.If(wraps != 0, always, fitted)
        return clipped(fitted, low, high)

    def beyond(self, result: Term, zero_point: Term, bits: int) -> z3.BoolRef:
        """Whether the value is outside the format of the codes."""
        total = result + zero_point
        return z3.Or(total < self._lowest(bits), total > (1 << bits - 1) - 1)

    def _lowest(self, bits: int) -> int:
        return -(1 << bits - 1) + (self.spec.output_overflow is OutputOverflow.SATURATE_SYMMETRIC)
