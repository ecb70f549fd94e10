"""From finished sums to codes in their places, sixteen channels at a time, as LLVM vector code."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from hwq.emulate.epilogue import CODES, I8, I32, I64, INTS, LANES, LONGS, Channels, constant, load, splat


@intrinsic
def finish_block(
    typing: Any,
    sums: Any,
    pitch: Any,
    integers: Any,
    roundings: Any,
    factors: Any,
    stride: Any,
    valid: Any,
    bounds: Any,
    clamp: Any,
    target: Any,
    targets: Any,
    count: Any,
    adjacent: Any,
    places: Any,
    events: Any,
    contract: Any,
    counting: Any,
) -> Any:
    """Bias, requantization and clamp of sixteen channels of ``count`` pixels.

    Parameters
    ----------
    sums, pitch:
        int32, ``pitch`` bytes from pixel to pixel.
    integers, roundings, factors, stride, valid, bounds:
        See `epilogue.Channels`; with ``counting`` 2 the bounds leave one code on either side of the format's.
    clamp:
        int32 [2]: lowest and highest byte to be stored.
    target, targets:
        Address of the output and of the int64 offset of each pixel in it.
    adjacent, places:
        Offset of each channel, int64: one after the other where ``adjacent`` is not 0. Channels that do not exist have
        the place of the last one that does.
    events:
        int64: how often a channel's code was outside the format; added to with ``counting`` 2.
    """
    signature = types.void(*(types.int64,) * 15, contract, counting)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums, pitch, _, _, _, _, _, _, clamp, target, targets, count, adjacent, places, events = args[:15]
        channels = Channels(builder, args[2:8], 0, contract.count)
        low, high = (splat(builder, load(builder, clamp, I32, at)) for at in (0, 4))
        counts = cgutils.alloca_once_value(builder, constant(INTS, 0))
        first = load(builder, places, I64)
        together = builder.icmp_signed("!=", adjacent, I64(0))
        with cgutils.for_range(builder, count) as loop:
            total = load(builder, builder.add(sums, builder.mul(loop.index, pitch)), INTS)
            codes = channels.codes(builder.add(total, channels.bias))
            if counting.count == 2:
                outside = builder.icmp_unsigned(">", codes, constant(INTS, 255))
                builder.store(builder.sub(builder.load(counts), builder.sext(outside, INTS)), counts)
                codes = builder.select(builder.icmp_signed("<", codes, low), low, codes)
                codes = builder.select(builder.icmp_signed(">", codes, high), high, codes)
            pixel = load(builder, builder.add(targets, builder.mul(loop.index, I64(8))), I64)
            pixel = builder.add(target, pixel)
            with builder.if_else(together) as (one_store, single_stores):
                with one_store:
                    channels.store_codes(codes, builder.add(pixel, first))
                with single_stores:
                    _scatter(builder, builder.trunc(codes, CODES), pixel, places)
        if counting.count == 2:
            had = load(builder, events, LONGS)
            place = builder.inttoptr(events, LONGS.as_pointer())
            builder.store(builder.add(had, builder.zext(builder.load(counts), LONGS)), place, align=1)
        return context.get_dummy_value()

    return signature, generate


def _scatter(builder: Any, codes: Any, pixel: Any, places: Any) -> None:
    """Store each byte in its own place, the first last: it wins over those that do not exist."""
    for lane in reversed(range(LANES)):
        place = builder.add(pixel, load(builder, places, I64, 8 * lane))
        builder.store(builder.extract_element(codes, I32(lane)), builder.inttoptr(place, ir.PointerType(I8)))
