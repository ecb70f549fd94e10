"""Inner loops sixteen channels at a time, as LLVM vector code that numba's own vectorizer would not find.

The functions here are numba intrinsics: compiled kernels call them, and they write LLVM instructions directly.
Addresses are plain int64, and the caller vouches for every one of them. What must be known while compiling, such as the
number of rows of a tile, travels as the length of a tuple, because numba specializes and caches kernels by argument
type.

Activations are unsigned bytes, code + 128. All of it is generic LLVM and runs on any processor, except `dot_rows`,
which needs AVX-512 VNNI (`has_vnni`).

Every tile ends with the same arguments:

integers, roundings, factors, stride, valid, bounds
    Addresses and sizes of the channels' constants, see `epilogue.Channels`.
target, targets
    Address of the output and of the int64 offset of each row in it.
rows, contract
    Tuples as long as the tile has rows, and as the contract's number in `epilogue`.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from hwq.emulate.epilogue import CODES, I32, I64, INTS, LANES, LONGS, Channels, load, splat


def has_vnni() -> bool:
    """Whether kernels may add products of four bytes to 32-bit accumulators at once (AVX-512 VNNI).

    That is up to the processor, or to NUMBA_CPU_FEATURES where it is set.
    """
    wanted = ("avx512vnni", "avx512bw", "avx512vl")
    if config.CPU_FEATURES is not None:
        return all(f"+{feature}" in config.CPU_FEATURES.split(",") for feature in wanted)
    features = llvmlite.binding.get_host_cpu_features()
    return all(features.get(feature) for feature in wanted)


def _addresses(builder: Any, place: Any, rows: int) -> list[Any]:
    """``base + table[i]`` for i below ``rows``; ``place`` is (base, table), the latter the address of int64 offsets."""
    base, table = place
    return [builder.add(base, load(builder, table, I64, 8 * i)) for i in range(rows)]


@intrinsic
def copy_bytes(typing: Any, target: Any, source: Any, size: Any) -> Any:
    """Copy ``size`` bytes between two addresses."""
    signature = types.void(types.int64, types.int64, types.int64)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        target, source = (builder.inttoptr(a, pointer) for a in args[:2])
        cgutils.raw_memcpy(builder, target, source, args[2], 1)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def dot_rows(
    typing: Any,
    source: Any,
    pixels: Any,
    groups: Any,
    count: Any,
    weights: Any,
    integers: Any,
    roundings: Any,
    factors: Any,
    stride: Any,
    valid: Any,
    bounds: Any,
    target: Any,
    targets: Any,
    rows: Any,
    vectors: Any,
    contract: Any,
) -> Any:
    """Rows of a product of bytes: unsigned activations by signed weights, ``vectors * 16`` channels.

    Row r, channel c: ``bias[c] + sum over g < count, b < 4 of x[source + pixels[r] + groups[g] + b] * w[g, c, b]``,
    requantized, to ``target + targets[r] + c``. ``pixels`` and ``groups`` are addresses of int64 offsets, ``weights``
    of int8 [count, vectors * 16, 4].
    """
    signature = types.void(*(types.int64,) * 13, rows, vectors, contract)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, pixels, groups, count, weights = args[:5]
        channels = [Channels(builder, args[5:11], 16 * j, contract.count) for j in range(vectors.count)]
        sums = [[cgutils.alloca_once_value(builder, c.bias) for c in channels] for _ in range(rows.count)]
        # Four bytes to each accumulator; LLVM 22 takes them as bytes, and upgrades this older form of the intrinsic.
        kind = ir.FunctionType(INTS, [INTS, INTS, INTS])
        dot = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.vpdpbusd.512")
        starts = _addresses(builder, (source, pixels), rows.count)
        with cgutils.for_range(builder, count) as loop:
            group = load(builder, builder.add(groups, builder.mul(loop.index, I64(8))), I64)
            block = builder.add(weights, builder.mul(loop.index, I64(64 * vectors.count)))
            operands = [load(builder, block, INTS, 64 * j) for j in range(vectors.count)]
            for row, start in zip(sums, starts, strict=True):
                x = splat(builder, load(builder, builder.add(start, group), I32))
                for total, operand in zip(row, operands, strict=True):
                    builder.store(builder.call(dot, [builder.load(total), x, operand]), total)
        for row, end in zip(sums, _addresses(builder, args[11:13], rows.count), strict=True):
            for j, (total, channel) in enumerate(zip(row, channels, strict=True)):
                channel.store(builder.load(total), builder.add(end, I64(16 * j)))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def depthwise_rows(
    typing: Any,
    source: Any,
    pixels: Any,
    taps: Any,
    count: Any,
    weights: Any,
    pitch: Any,
    integers: Any,
    roundings: Any,
    factors: Any,
    stride: Any,
    valid: Any,
    bounds: Any,
    target: Any,
    targets: Any,
    rows: Any,
    contract: Any,
) -> Any:
    """Rows of a depthwise convolution, 16 channels.

    Row r, channel c: ``bias[c] + sum over t < count of x[source + pixels[r] + taps[t] + c] * w[t, c]``, requantized,
    to ``target + targets[r] + c``. ``weights`` is the address of int32, ``pitch`` bytes from tap to tap.
    """
    signature = types.void(*(types.int64,) * 14, rows, contract)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, pixels, taps, count, weights, pitch = args[:6]
        channels = Channels(builder, args[6:12], 0, contract.count)
        sums = [cgutils.alloca_once_value(builder, channels.bias) for _ in range(rows.count)]
        starts = _addresses(builder, (source, pixels), rows.count)
        with cgutils.for_range(builder, count) as loop:
            tap = load(builder, builder.add(taps, builder.mul(loop.index, I64(8))), I64)
            operand = load(builder, builder.add(weights, builder.mul(loop.index, pitch)), INTS)
            for total, start in zip(sums, starts, strict=True):
                x = builder.zext(load(builder, builder.add(start, tap), CODES), INTS)
                builder.store(builder.add(builder.load(total), builder.mul(x, operand)), total)
        for total, end in zip(sums, _addresses(builder, args[12:14], rows.count), strict=True):
            channels.store(builder.load(total), end)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def finish_rows(
    typing: Any,
    sums: Any,
    pitch: Any,
    kind: Any,
    integers: Any,
    roundings: Any,
    factors: Any,
    stride: Any,
    valid: Any,
    bounds: Any,
    target: Any,
    targets: Any,
    rows: Any,
    contract: Any,
) -> Any:
    """Rows of finished sums, 16 channels: bias added, requantized, to ``target + targets[r] + c``.

    ``sums`` is the address of integers held as floats, ``pitch`` bytes from row to row; ``kind`` is a float of their
    type.
    """
    signature = types.void(types.int64, types.int64, kind, *(types.int64,) * 8, rows, contract)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        channels = Channels(builder, args[3:9], 0, contract.count)
        vector = ir.VectorType(context.get_value_type(kind), LANES)
        for i, end in enumerate(_addresses(builder, args[9:11], rows.count)):
            values = load(builder, builder.add(args[0], builder.mul(args[1], I64(i))), vector)
            # Modulo 2^32: only with its bias is a sum sure to fit.
            total = builder.trunc(builder.fptosi(values, LONGS), INTS)
            channels.store(builder.add(total, channels.bias), end)
        return context.get_dummy_value()

    return signature, generate
