"""Tiles of ordered sums as LLVM vector code: rows of output pixels by vectors of output channels.

As in `hwq.emulate.vectors`: addresses are plain int64 that the caller vouches for, and what must be known while
compiling travels as the length of a tuple. All of it is generic LLVM, except the sources PAIRS and BYTES, which need
AVX-512 VNNI.

Clamping takes no more than one instruction where an instruction saturates anyway: sums are kept ``base`` above their
value, such that their highest value is the lane's, and only the lowest is left to compare with.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from hwq.emulate.clamping.forms import Form, Source
from hwq.emulate.epilogue import I8, I32, I64, LANES, load

I16 = ir.IntType(16)

#: Bytes that are widened at once.
_TOGETHER = 32

#: Where `sum_rows` finds its limits: each is one int64.
PSUM_LOW, PSUM_HIGH, LOW, HIGH, BASE, PSUM_CUT, CUT = range(0, 56, 8)
LIMITS = 7


@intrinsic
def widen_bytes(typing: Any, target: Any, source: Any, size: Any, less: Any) -> Any:
    """``size`` bytes at ``source``, each less ``less``, as int16 at ``target``."""
    signature = types.void(types.int64, types.int64, types.int64, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target, source, size, less = args
        whole = builder.and_(size, I64(-_TOGETHER))
        for count, first, lanes in (
            (builder.lshr(whole, I64(5)), I64(0), _TOGETHER),
            (builder.sub(size, whole), whole, 1),
        ):
            kind = ir.VectorType(I16, lanes)
            subtrahend = ir.Constant(kind, ir.Undefined)
            for lane in range(lanes):
                subtrahend = builder.insert_element(subtrahend, builder.trunc(less, I16), I32(lane))
            with cgutils.for_range(builder, count) as loop:
                at = builder.add(first, builder.mul(loop.index, I64(lanes)))
                x = load(builder, builder.add(source, at), ir.VectorType(I8, lanes))
                value = builder.sub(builder.zext(x, kind), subtrahend)
                place = builder.add(target, builder.mul(at, I64(2)))
                builder.store(value, builder.inttoptr(place, kind.as_pointer()), align=1)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def sum_rows(
    typing: Any,
    source: Any,
    pixels: Any,
    taps: Any,
    ends: Any,
    passes: Any,
    weights: Any,
    folds: Any,
    initial: Any,
    limits: Any,
    target: Any,
    pitch: Any,
    events: Any,
    stride: Any,
    rows: Any,
    vectors: Any,
    form: Any,
    operands: Any,
    counting: Any,
) -> Any:
    """Sums of rows of output pixels, ``vectors * 16`` channels, int32 to ``target + r * pitch``.

    Parameters
    ----------
    source, pixels, taps:
        Operand k of row r is at ``source + pixels[r] + taps[k]``, or there begin those of four products or of all
        channels; int64 byte offsets.
    ends, passes:
        One past the last tap of each pass, int64, and how many passes there are.
    weights:
        Of each tap the channels': int16 (NARROW), int32 (w, 0 as a pair of int16 for PAIRS), or four int8 (BYTES).
    folds:
        int32 [passes, channels]: what BYTES adds to the sum of each pass.
    initial:
        int32, or int16 for NARROW: what sums begin with, ``base`` included.
    limits:
        int64 [7]: range of psums, range of accumulators (``base`` included), base, and the bits of a lane that wrapping
        cuts from either.
    events, stride:
        Counts of psums and, ``stride`` channels behind them, of accumulators: int64; added to with ``counting`` 2.
    """
    signature = types.void(*(types.int64,) * 13, rows, vectors, form, operands, counting)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        shape = rows.count, vectors.count
        tile = _Tile(builder, args[:13], shape, Form(form.count), Source(operands.count), counting.count == 2)
        tile.sum()
        tile.finish()
        return context.get_dummy_value()

    return signature, generate


class _Tile:
    """The code of one tile while it is written."""

    def __init__(
        self, builder: Any, places: Any, shape: tuple[int, int], form: Form, operands: Source, counting: bool
    ) -> None:
        self._builder, self._form, self._operands, self._counting = builder, form, operands, counting
        self._source, pixels, self._taps, self._ends, self._passes, self._weights, self._folds = places[:7]
        initial, limits, self._target, self._pitch, self._events, self._stride = places[7:]
        rows, vectors = shape
        # Comparisons of 256 bits give lanes; those of 512 give masks, which take longer to be counted.
        self._bits = 256 if counting else 512
        self._element = I16 if form is Form.NARROW else I32
        self._lanes = min(self._bits // self._element.width, LANES * vectors)
        self._kind = ir.VectorType(self._element, self._lanes)
        self._pieces = vectors * LANES // self._lanes
        self._bytes = self._lanes * self._element.width // 8
        self._block = self._pieces * self._bytes
        names = {"psum_low": PSUM_LOW, "psum_high": PSUM_HIGH, "low": LOW, "high": HIGH, "base": BASE}
        names |= {"psum_cut": PSUM_CUT, "cut": CUT}
        self._limits = {name: self._splat(load(builder, limits, self._element, at)) for name, at in names.items()}
        starts = [load(builder, self._offset(pixels, I64(row), 8), I64) for row in range(rows)]
        self._starts = [builder.add(self._source, start) for start in starts]
        begin = [load(builder, initial, self._kind, self._bytes * piece) for piece in range(self._pieces)]
        self._sums = [[cgutils.alloca_once_value(builder, value) for value in begin] for _ in range(rows)]
        self._fittings = self._passes
        if form.every:
            self._fittings = load(builder, self._offset(self._ends, builder.sub(self._passes, I64(1)), 8), I64)
        # Of psums and accumulators: all fittings of the tile, less those that were none.
        everything = self._splat(builder.trunc(builder.mul(self._fittings, I64(rows)), self._element))
        nothing = ir.Constant(self._kind, None)
        self._counts = [
            [cgutils.alloca_once_value(builder, value) for _ in range(self._pieces)]
            for value in (everything if form.foot else nothing, everything)[: 2 * counting]
        ]

    def sum(self) -> None:
        """Every product, in order."""
        if self._form.every:
            with cgutils.for_range(self._builder, self._fittings) as loop:
                self._tap(loop.index, self._step)
            return
        builder = self._builder
        begin = cgutils.alloca_once_value(builder, I64(0))
        parts = [[cgutils.alloca_once(builder, self._kind) for _ in row] for row in self._sums]
        with cgutils.for_range(builder, self._passes) as loop:
            end = load(builder, self._offset(self._ends, loop.index, 8), I64)
            self._begin(loop.index, parts)

            def add(row: int, piece: int, x: Any, w: Any) -> None:
                place = parts[row][piece]
                builder.store(self._product(builder.load(place), x, w), place)

            with cgutils.for_range(builder, end, builder.load(begin)) as inner:
                self._tap(inner.index, add)
            builder.store(end, begin)
            self._end(parts)

    def finish(self) -> None:
        """Sums to their place, counts to those that were there."""
        builder = self._builder
        for number, row in enumerate(self._sums):
            place = builder.add(self._target, builder.mul(self._pitch, I64(number)))
            for piece, total in enumerate(row):
                value = builder.load(total)
                if self._form in (Form.NARROW, Form.WIDE):
                    value = builder.sub(value, self._limits["base"])
                self._store(builder.sext(value, _wide(value)), place, 4 * self._lanes * piece)
        for kind, counts in enumerate(self._counts):
            place = builder.add(self._events, builder.mul(self._stride, I64(8 * kind)))
            for piece, count in enumerate(counts):
                value = builder.load(count)
                value = builder.zext(value, ir.VectorType(I64, self._lanes))
                at = 8 * self._lanes * piece
                self._store(builder.add(value, load(builder, place, value.type, at)), place, at)

    def _begin(self, number: Any, parts: Any) -> None:
        """A pass begins with what is folded into it, and where its sum is not fitted with the sum before it."""
        builder = self._builder
        fold = [ir.Constant(self._kind, None)] * self._pieces
        if self._operands is Source.BYTES:
            place = builder.add(self._folds, builder.mul(number, builder.mul(self._stride, I64(4))))
            fold = [load(builder, place, self._kind, self._bytes * piece) for piece in range(self._pieces)]
        for row, sums in zip(parts, self._sums, strict=True):
            for part, total, value in zip(row, sums, fold, strict=True):
                builder.store(value if self._form.foot else builder.add(value, builder.load(total)), part)

    def _end(self, parts: Any) -> None:
        builder = self._builder
        for row, sums in zip(parts, self._sums, strict=True):
            for piece, (part, total) in enumerate(zip(row, sums, strict=True)):
                value = builder.load(part)
                if self._form.foot:
                    value = builder.add(builder.load(total), self._fit(value, "psum_", 0, piece))
                builder.store(self._fit(value, "", 1, piece), total)

    def _tap(self, number: Any, use: Any) -> None:
        """Call ``use`` with the operand and weight of one tap, for each row and piece."""
        builder = self._builder
        block = self._offset(self._weights, number, self._block)
        weights = [load(builder, block, self._kind, self._bytes * piece) for piece in range(self._pieces)]
        tap = load(builder, self._offset(self._taps, number, 8), I64)
        for row, start in enumerate(self._starts):
            place = builder.add(start, tap)
            x = None if self._operands is Source.CHANNELS else self._operand(place)
            for piece, w in enumerate(weights):
                use(row, piece, self._operand(place, 2 * self._lanes * piece) if x is None else x, w)

    def _operand(self, place: Any, offset: int = 0) -> Any:
        builder = self._builder
        if self._operands is Source.CHANNELS:
            value = load(builder, place, ir.VectorType(I16, self._lanes), offset)
            return value if self._form is Form.NARROW else builder.sext(value, self._kind)
        if self._operands is Source.ELEMENTS:
            value = load(builder, place, I16)
            return self._splat(value if self._form is Form.NARROW else builder.sext(value, I32))
        return self._splat(load(builder, place, I32))

    def _product(self, total: Any, x: Any, w: Any, saturating: bool = False) -> Any:
        """``total + x * w`` modulo the lane, or ``saturating`` in it."""
        builder = self._builder
        if self._operands is Source.BYTES:
            return self._call(f"llvm.x86.avx512.vpdpbusd.{self._bits}", total, x, w)
        if self._operands is Source.PAIRS:
            return self._call(f"llvm.x86.avx512.vpdpwssd{'s' * saturating}.{self._bits}", total, x, w)
        product = builder.mul(x, w)
        return self._both("sadd.sat", total, product) if saturating else builder.add(total, product)

    def _step(self, row: int, piece: int, x: Any, w: Any) -> None:
        """One addition that is fitted at once."""
        builder = self._builder
        place = self._sums[row][piece]
        old = builder.load(place)
        if self._form is Form.NARROW or (self._form is Form.WIDE and self._operands is Source.PAIRS):
            new = self._both("smax", self._product(old, x, w, saturating=True), self._limits["low"])
            if self._counting:
                self._count(1, piece, self._product(old, x, w), new)
        else:
            new = self._fit(self._product(old, x, w), "", 1, piece)
        builder.store(new, place)

    def _fit(self, value: Any, which: str, kind: int, piece: int) -> Any:
        """An exact sum of 32 bits in its range; counted where it was not."""
        builder, limits = self._builder, self._limits
        if self._form.wraps:
            cut = limits[f"{which}cut"]
            fitted = builder.ashr(builder.shl(value, cut), cut)
        else:
            fitted = self._both("smin", self._both("smax", value, limits[f"{which}low"]), limits[f"{which}high"])
        if self._counting:
            self._count(kind, piece, value, fitted)
        return fitted

    def _count(self, kind: int, piece: int, value: Any, fitted: Any) -> None:
        builder = self._builder
        place = self._counts[kind][piece]
        same = builder.sext(builder.icmp_signed("==", value, fitted), self._kind)
        builder.store(builder.add(builder.load(place), same), place)

    def _both(self, name: str, a: Any, b: Any) -> Any:
        return self._call(f"llvm.{name}.v{self._lanes}i{self._element.width}", a, b)

    def _call(self, name: str, *args: Any) -> Any:
        kind = ir.FunctionType(self._kind, [self._kind] * len(args))
        return self._builder.call(cgutils.get_or_insert_function(self._builder.module, kind, name), args)

    def _splat(self, value: Any) -> Any:
        undefined = ir.Constant(self._kind, ir.Undefined)
        first = self._builder.insert_element(undefined, value, I32(0))
        return self._builder.shuffle_vector(
            first, undefined, ir.Constant(ir.VectorType(I32, self._lanes), [0] * self._lanes)
        )

    def _offset(self, base: Any, index: Any, size: int) -> Any:
        return self._builder.add(base, self._builder.mul(index, I64(size)))

    def _store(self, value: Any, base: Any, offset: int) -> None:
        place = self._builder.inttoptr(self._builder.add(base, I64(offset)), value.type.as_pointer())
        self._builder.store(value, place, align=1)


def _wide(value: Any) -> Any:
    return ir.VectorType(I32, value.type.count)
