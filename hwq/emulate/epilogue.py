"""Requantization of sixteen channels at a time, as LLVM vector instructions: the end of every accumulating kernel.

The same arithmetic as `hwq.numeric.requantize`, written so that no step leaves its integer width whatever the
accumulator is. Used while numba compiles the kernels that `hwq.emulate.vectors` holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from hwq.numeric.requantize import Contract

LANES = 16

I64, I32, I8 = ir.IntType(64), ir.IntType(32), ir.IntType(8)
INTS = ir.VectorType(I32, LANES)
LONGS = ir.VectorType(I64, LANES)
CODES = ir.VectorType(I8, LANES)
FLOATS = ir.VectorType(ir.FloatType(), LANES)
DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
#: The same bits as INTS, two lanes in each.
_PAIRS = ir.VectorType(I64, LANES // 2)
_BITS = ir.VectorType(ir.IntType(1), LANES)

#: What can be done with accumulators, by number; the number is the length of the tuple that names it to a kernel.
NUMBERS = {
    Contract.DOUBLE: 1,
    Contract.UP2: 1,
    Contract.SINGLE: 2,
    Contract.F64AWAY: 3,
    Contract.FP32HE: 4,
}
#: DOUBLE where `hwq.emulate.products` has proven that no shift is to the left, that every right shift is at least 1 and
#: that nothing overflows: then one sum of constants does the work of three.
BOUNDED = 5


def constant(vector: Any, value: Any) -> Any:
    """Every lane ``value``."""
    return ir.Constant(vector, [value] * LANES)


def _pair_constant(value: int) -> Any:
    return ir.Constant(_PAIRS, [value] * (LANES // 2))


def load(builder: Any, base: Any, kind: Any, offset: int = 0) -> Any:
    """The value of type ``kind`` at the address ``base + offset``, however aligned."""
    return builder.load(builder.inttoptr(builder.add(base, I64(offset)), kind.as_pointer()), align=1)


def splat(builder: Any, value: Any) -> Any:
    """Every lane the scalar ``value``."""
    vector = ir.VectorType(value.type, LANES)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, I32(0))
    return builder.shuffle_vector(first, undefined, constant(INTS, 0))


class Channels:
    """Constants of sixteen adjacent output channels, loaded once for all rows of a tile.

    Parameters
    ----------
    places:
        Where the constants are, int64 values each, as they reach a kernel: integers, roundings, factors, stride, valid,
        bounds.
    first:
        First of the sixteen.
    number:
        Of the contract, see `NUMBERS`.

    Notes
    -----
    integers
        Address of int32 [5, stride]: bias, multiplier, left shift, right shift, and -1 where halves of the second
        rounding go away from zero (DOUBLE), 0 where they go up (UP2).
    roundings
        Address of int64 [stride]: for `BOUNDED`, what is added to the product of accumulator and multiplier:
        ``2^30 + 2^31 * (2^(right - 1) + zero * 2^right)``. Of sixteen channels the even ones come first.
    factors
        Address of float64 [stride]: the scale itself, for the contracts that are not integer.
    stride
        Channels, rounded up to whole vectors.
    valid
        Channels that exist.
    bounds
        Address of int32 [3]: lowest and highest result, and the zero-point that is then added.
    """

    def __init__(self, builder: Any, places: Sequence[Any], first: int, number: int) -> None:
        integers, roundings, factors, stride, valid, bounds = places
        row = builder.mul(stride, I64(4))
        rows = [builder.add(integers, builder.mul(row, I64(i))) for i in range(5)]
        self._builder = builder
        self._number = number
        constants = (load(builder, row, INTS, 4 * first) for row in rows)
        self.bias, self._multiplier, self._left, self._right, self._away = constants
        self._roundings = [load(builder, roundings, _PAIRS, 8 * (first + i * LANES // 2)) for i in range(2)]
        self._factor = load(builder, factors, DOUBLES, 8 * first)
        self._low, self._high, self._zero = (splat(builder, load(builder, bounds, I32, 4 * i)) for i in range(3))
        lanes = ir.Constant(INTS, list(range(first, first + LANES)))
        self._exists = builder.icmp_signed("<", lanes, splat(builder, builder.trunc(valid, I32)))

    def store(self, accumulator: Any, target: Any) -> None:
        """Requantize the accumulators of these channels and store the codes that exist at address ``target``."""
        self.store_codes(self.codes(accumulator), target)

    def codes(self, accumulator: Any) -> Any:
        """Codes of the accumulators of these channels, in 32 bits."""
        return self._requantize(accumulator)

    def store_codes(self, codes: Any, target: Any) -> None:
        """Store the codes of the channels that exist at address ``target``, a byte each."""
        builder = self._builder
        codes = builder.trunc(codes, CODES)
        place = builder.inttoptr(target, CODES.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [CODES, place.type, I32, _BITS])
        store = cgutils.get_or_insert_function(builder.module, kind, "llvm.masked.store.v16i8.p0")
        builder.call(store, [codes, place, I32(1), self._exists])

    def _requantize(self, x: Any) -> Any:
        builder = self._builder
        if self._number == NUMBERS[Contract.FP32HE]:
            scaled = builder.fmul(builder.sitofp(x, FLOATS), builder.fptrunc(self._factor, FLOATS))
            return self._offset(builder.fptosi(self._call("llvm.rint", self._limit(scaled)), INTS))
        if self._number == NUMBERS[Contract.F64AWAY]:
            scaled = builder.fmul(builder.sitofp(x, DOUBLES), self._factor)
            return self._offset(builder.fptosi(self._call("llvm.round", self._limit(scaled)), INTS))
        if self._number == NUMBERS[Contract.SINGLE]:
            return self._offset(self._single(x))
        if self._number == BOUNDED:
            return self._bounded(x)
        rounding = _pair_constant(1 << 30)
        high = self._high_multiply(builder.shl(x, self._left), rounding, rounding)
        return self._offset(self._shift(high))

    def _high_multiply(self, x: Any, even_rounding: Any, odd_rounding: Any) -> Any:
        """``(x * multiplier + rounding) >> 31``, its low 32 bits.

        Even and odd lanes are multiplied apart, in 64 bits, and the halves of the results that count lie side by side
        after a shift each: no lane is moved.
        """
        builder = self._builder
        pairs, factors = (builder.bitcast(v, _PAIRS) for v in (x, self._multiplier))
        word, one = _pair_constant(32), _pair_constant(1)
        shift = _pair_constant(31)
        odd = builder.mul(builder.ashr(pairs, word), builder.ashr(factors, word))
        pairs, factors = (builder.ashr(builder.shl(v, word), word) for v in (pairs, factors))
        even = builder.mul(pairs, factors)
        even = builder.bitcast(builder.lshr(builder.add(even, even_rounding), shift), INTS)
        odd = builder.bitcast(builder.shl(builder.add(odd, odd_rounding), one), INTS)
        choice = ir.Constant(INTS, [lane + LANES * (lane % 2) for lane in range(LANES)])
        return builder.shuffle_vector(even, odd, choice)

    def _shift(self, x: Any) -> Any:
        """``x / 2 ** right`` to nearest, halves away from zero or up: the remainder decides, and no sum overflows."""
        builder = self._builder
        mask = builder.sub(builder.shl(constant(INTS, 1), self._right), constant(INTS, 1))
        negative = builder.and_(builder.ashr(x, constant(INTS, 31)), self._away)
        threshold = builder.sub(builder.lshr(mask, constant(INTS, 1)), negative)
        above = builder.icmp_signed(">", builder.and_(x, mask), threshold)
        return builder.sub(builder.ashr(x, self._right), builder.sext(above, INTS))

    def _bounded(self, x: Any) -> Any:
        """DOUBLE with zero-point: ``(high + 2^(right - 1) - (x < 0) + zero * 2^right) >> right``, then the clamp.

        The second rounding's half and the zero-point are multiples of 2^31 before the first shift, so they are added
        there. A negative accumulator stands for a negative ``high``: where ``high`` is 0 in spite of it, the result is
        the same.
        """
        builder = self._builder
        high = self._high_multiply(x, *self._roundings)
        y = builder.ashr(builder.add(high, builder.ashr(x, constant(INTS, 31))), self._right)
        return self._clamp(y, builder.add(self._low, self._zero), builder.add(self._high, self._zero))

    def _single(self, x: Any) -> Any:
        builder = self._builder
        shift = builder.sext(builder.add(builder.sub(self._right, self._left), constant(INTS, 31)), LONGS)
        half = builder.shl(constant(LONGS, 1), builder.sub(shift, constant(LONGS, 1)))
        product = builder.mul(builder.sext(x, LONGS), builder.sext(self._multiplier, LONGS))
        wide = builder.ashr(builder.add(product, half), shift)
        wide = self._clamp(wide, builder.sext(self._low, LONGS), builder.sext(self._high, LONGS))
        return builder.trunc(wide, INTS)

    def _offset(self, x: Any) -> Any:
        """Clamp, then add the zero-point: in this order nothing can overflow."""
        builder = self._builder
        return builder.add(self._clamp(x, self._low, self._high), self._zero)

    def _clamp(self, x: Any, low: Any, high: Any) -> Any:
        builder = self._builder
        x = builder.select(builder.icmp_signed("<", x, low), low, x)
        return builder.select(builder.icmp_signed(">", x, high), high, x)

    def _limit(self, x: Any) -> Any:
        """Clamp real numbers to the bounds, which are integers: rounding afterwards gives the same codes."""
        builder = self._builder
        low, high = builder.sitofp(self._low, x.type), builder.sitofp(self._high, x.type)
        x = builder.select(builder.fcmp_ordered("<", x, low), low, x)
        return builder.select(builder.fcmp_ordered(">", x, high), high, x)

    def _call(self, function: str, x: Any) -> Any:
        name = f"{function}.v16{'f32' if x.type == FLOATS else 'f64'}"
        kind = ir.FunctionType(x.type, [x.type])
        return self._builder.call(cgutils.get_or_insert_function(self._builder.module, kind, name), [x])
