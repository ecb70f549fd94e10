"""Requantizer lane against its definition in whole numbers (docs/spec/numerics.md, contract ``double``)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from math import floor
from typing import Any

import cocotb

from hwq.cosim.scoreboard import Scoreboard
from sim.clocked import Block, parameters, seeded, signed

PER_SHIFT = 800


def requantize(value: int, multiplier: int, shift: int) -> int:
    """``value * multiplier * 2^(shift - 31)``: first half up to a whole number, then half away from zero."""
    value = signed(value << max(shift, 0), 32)
    doubled = floor(Fraction(value * multiplier, 1 << 31) + Fraction(1, 2))
    scaled = Fraction(abs(doubled), 1 << max(-shift, 0))
    return (1 if doubled >= 0 else -1) * floor(scaled + Fraction(1, 2))


def operands(choose: random.Random, shift: int, bits: int) -> Iterator[tuple[int, int, int]]:
    """(accumulator, bias, multiplier): extremes, ties of either rounding, and anything."""
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    multipliers = [0, 1 << 30, (1 << 31) - 1, (1 << 30) + 1]
    for multiplier in multipliers:
        for accumulator in (low, high, 0, 1, -1):
            yield accumulator, 0, multiplier
    right = max(-shift, 0)
    for _ in range(PER_SHIFT // 4):
        # Times 2^30 / 2^31 a multiple of 2^(right + 1) plus 2^right is a tie of the outer rounding, plus 1 nearly one.
        tie = choose.randint(-64, 64) * (1 << right + 1) + (1 << right) + choose.choice([-1, 0, 0, 1])
        bias = choose.randint(-1000, 1000)
        if low <= tie - bias <= high:
            yield tie - bias, bias, 1 << 30
    for _ in range(5 * PER_SHIFT if 0 < right < bits - 1 else 0):
        # For odd p and q, p 2^15 times q 2^15 ties the inner rounding; it gives (p q + 1) / 2, which ties the outer one
        # where p = (2^right - 1) / q modulo 2^(right + 1). What is not far too large is worth trying.
        q = choose.randrange((1 << 15) + 1, 1 << 16, 2)
        p = ((1 << right) - 1) * pow(q, -1, 2 << right) % (2 << right)
        if p << 15 <= high and p * q >> (right + 1) < 250:
            yield p << 15, 0, q << 15
            yield -p << 15, 0, q << 15
    for _ in range(PER_SHIFT):
        reach = choose.choice([8, 16, bits - 1])
        yield (
            choose.randint(max(low, -(1 << reach)), min(high, 1 << reach)),
            choose.choice([0, choose.randint(-(1 << 31), (1 << 31) - 1), choose.randint(-5000, 5000)]),
            choose.choice([choose.randint(1 << 30, (1 << 31) - 1), *multipliers]),
        )


@cocotb.test()
async def every_shift(dut: Any) -> None:
    """One lane, an operand per cycle, every shift it was built for."""
    known, choose, block = parameters(), seeded(dut), Block(dut)
    bits, latency = known["accumulator_bits"], known["latency"]
    board = Scoreboard[int]("code")
    await block.start(dict.fromkeys(("accumulator", "bias", "multiplier", "shift", "zero_point", "low", "high"), 0))
    for shift in range(-31, known["max_left_shift"] + 1):
        zero_point = choose.randint(-128, 127)
        low, high = choose.choice([(-128, 127), (zero_point, 127), (-100, 99)])
        block.drive({"zero_point": zero_point & 0xFFFF, "low": low & 0xFFFF, "high": high & 0xFFFF})
        begun = block.cycle
        vectors = list(operands(choose, shift, bits))
        for number in range(len(vectors) + latency):
            if number < len(vectors):
                accumulator, bias, multiplier = vectors[number]
                value = requantize(signed(accumulator + bias, 32), multiplier, shift) + zero_point
                board.expect(min(max(value, low), high), f"{accumulator} + {bias}, {multiplier}, shift {shift}")
                block.drive(
                    {
                        "accumulator": accumulator & (1 << bits) - 1,
                        "bias": bias & 0xFFFFFFFF,
                        "multiplier": multiplier,
                        "shift": shift & 0x3F,
                    }
                )
            await block.step()
            if block.cycle - begun >= latency and number - latency + 1 < len(vectors):
                board.see(signed(block.read("code"), 8))
    board.finish()
