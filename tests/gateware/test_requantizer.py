"""Requantizer lane against the definition in whole numbers, one operand per cycle."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, RequantizerParameters, TruncateParameters
from hwq.gateware.requantizer import Requantizer
from hwq.numeric.accumulation import SumOverflow
from hwq.numeric.formats import INT8
from hwq.numeric.requantization import OutputOverflow, Requantization
from hwq.numeric.requantize import Contract
from hwq.numeric.rounding import Rounding
from tests.support.scalar import requantized
from tests.support.simulation import drive, simulate, wrapped

LOW, HIGH = -(1 << 31), (1 << 31) - 1
MULTIPLIERS = (0, 1 << 30, (1 << 30) + 1, (1 << 31) - 1)


def vectors(choose: random.Random, shift: int) -> list[tuple[int, int, int]]:
    """(accumulator, bias, multiplier): extremes, ties of either rounding and their neighbours, anything."""
    found = [(accumulator, 0, m) for m in MULTIPLIERS for accumulator in (LOW, HIGH, 0, 1, -1)]
    found += [(HIGH, 1, 1 << 30), (LOW, -1, 1 << 30), (LOW, LOW, (1 << 31) - 1)]
    right = max(-shift, 0)
    for _ in range(10):
        # Times 2^30 / 2^31, an odd multiple of 2^right is a tie.
        tie = (2 * choose.randint(-64, 63) + 1) << right
        found += [(wrapped(tie + off, 32), 0, 1 << 30) for off in (-2, -1, 0, 1, 2)]
    found += ties_of_both(choose, right)
    for _ in range(20):
        reach = 1 << choose.choice([8, 16, 31])
        multiplier = choose.choice([*MULTIPLIERS, choose.randint(1 << 30, (1 << 31) - 1)])
        found.append((choose.randint(-reach, reach - 1), choose.randint(-reach, reach - 1), multiplier))
    return found


def ties_of_both(choose: random.Random, right: int) -> list[tuple[int, int, int]]:
    """Operands whose inner rounding ties, and carries across the halves of the product, to a tie of the outer rounding.

    With ``p`` and ``q`` odd, ``p * 2^15`` times ``q * 2^15`` is a tie, rounded to ``(p * q + 1) / 2``. That is an odd
    multiple of ``2^(right - 1)`` where ``p = (2^right - 1) / q`` modulo ``2^(right + 1)``; few such are small codes.
    """
    found = []
    for _ in range(2000 if right else 0):
        q = choose.randrange((1 << 15) + 1, 1 << 16, 2)
        p = ((1 << right) - 1) * pow(q, -1, 2 << right) % (2 << right)
        if p < 1 << 16 and p * q >> right + 1 < 250:
            found += [(p << 15, 0, q << 15), (-p << 15, 0, q << 15)]
    return found[:20]


@pytest.mark.parametrize("max_left_shift", [0, 3, 30])
def test_every_shift(max_left_shift: int) -> None:
    accelerator = Accelerator(requantizer=RequantizerParameters(max_left_shift=max_left_shift))
    requantizer = Requantizer(accelerator=accelerator)
    assert requantizer.latency == accelerator.requantizer_latency == 8
    choose = random.Random(max_left_shift)

    async def bench(context: Any) -> None:
        for shift in range(-31, max_left_shift + 1):
            zero_point = choose.choice([-128, 127, choose.randint(-128, 127)])
            low, high = choose.choice([(-128, 127), (zero_point, 127), (-5, 6)])
            drive(context, requantizer, zero_point=zero_point, low=low, high=high)
            listed = vectors(choose, shift)
            for number in range(len(listed) + requantizer.latency - 1):
                if number < len(listed):
                    accumulator, bias, multiplier = listed[number]
                    drive(context, requantizer, accumulator=accumulator, bias=bias, multiplier=multiplier, shift=shift)
                await context.tick()
                due = number + 1 - requantizer.latency
                if due >= 0:
                    accumulator, bias, multiplier = listed[due]
                    exact = requantized(wrapped(accumulator + bias, 32), multiplier, shift) + zero_point
                    expected = min(max(exact, low), high)
                    assert context.get(requantizer.code) == expected, (listed[due], shift, zero_point, low, high)

    simulate(requantizer, bench)


def test_sums_of_wide_accumulators_saturate() -> None:
    """Accumulators of 40 bits enter the 32 bits of the lane at its limits, the bias included."""
    accelerator = Accelerator(arithmetic=ArithmeticParameters(accumulator_bits=38, truncate=TruncateParameters(2)))
    requantizer = Requantizer(accelerator=accelerator)
    sums = [(1 << 39) - 4, -(1 << 39), 1 << 31, (1 << 31) - 4, -(1 << 31), -(1 << 31) - 4, 1 << 32, 12]
    cases = [(total, bias) for total in sums for bias in (0, 7, -7, HIGH, LOW)]

    async def bench(context: Any) -> None:
        drive(context, requantizer, zero_point=3, low=-128, high=127, multiplier=(1 << 30) + 12345, shift=-24)
        for number in range(len(cases) + requantizer.latency - 1):
            if number < len(cases):
                drive(context, requantizer, accumulator=cases[number][0], bias=cases[number][1])
            await context.tick()
            due = number + 1 - requantizer.latency
            if due >= 0:
                entering = min(max(sum(cases[due]), LOW), HIGH)
                expected = min(max(requantized(entering, (1 << 30) + 12345, -24) + 3, -128), 127)
                assert context.get(requantizer.code) == expected, cases[due]

    simulate(requantizer, bench)


def _specs() -> list[Requantization]:
    plain = [
        Requantization(Contract.PLAIN, bits, add, rounding)
        for rounding in Rounding
        for bits, add in ((8, 40), (16, 48), (31, 62))
    ]
    shifts = [Requantization(Contract.SHIFT, rounding=rounding) for rounding in Rounding]
    return [*(Requantization(contract) for contract in (Contract.UP2, Contract.SINGLE)), *shifts, *plain]


@pytest.mark.parametrize("spec", _specs(), ids=lambda spec: f"{spec.contract}-{spec.rounding}-{spec.multiplier_bits}")
def test_every_contract_against_its_definition(spec: Requantization) -> None:
    """Records as they are made of scales, sums around ties and at the ends of 32 bits, flags of `up2` of both kinds."""
    accelerator = Accelerator(
        arithmetic=ArithmeticParameters(contract=spec.contract),
        requantizer=RequantizerParameters(
            multiplier_bits=spec.multiplier_bits, add_bits=spec.add_bits, rounding=spec.rounding
        ),
    )
    assert accelerator.requantization == spec
    requantizer, choose = Requantizer(accelerator=accelerator), random.Random(8)
    exponents = range(-2, 32) if spec.contract is not Contract.PLAIN else range(36)
    powers = spec.contract is Contract.SHIFT
    scales = [2.0**-e * (1 if powers else choose.choice([1, 0.75, choose.uniform(0.5, 1)])) for e in exponents]
    bias = [0 if choose.random() < 0.5 else choose.randint(-100, 100) for _ in scales]
    records = spec.encode(scales, bias, [choose.random() < 0.5 for _ in scales])
    cases = []
    for channel, scale in enumerate(scales):
        near = [round((choose.randint(-300, 300) + half) / 2 / scale) for half in (0, 1) for _ in range(6)]
        for x in (LOW, HIGH, 0, *(value + off for value in near for off in (-1, 0, 1))):
            record = {name: int(values[channel]) for name, values in records.items()}
            cases.append((min(max(x, LOW), HIGH), record))

    async def bench(context: Any) -> None:
        drive(context, requantizer, zero_point=5, low=-128, high=127)
        for number in range(len(cases) + requantizer.latency - 1):
            if number < len(cases):
                drive(context, requantizer, accumulator=cases[number][0], **cases[number][1])
            await context.tick()
            due = number + 1 - requantizer.latency
            if due >= 0:
                x, record = cases[due]
                value = spec.compute([x], {name: np.array([field]) for name, field in record.items()})
                assert context.get(requantizer.code) == spec.code(value, 5, INT8, (-128, 127))[0], cases[due]

    simulate(requantizer, bench)


@pytest.mark.parametrize("overflow", OutputOverflow)
def test_results_outside_the_format_of_the_codes(overflow: OutputOverflow) -> None:
    """Every result of 10 bits; without ``wrap`` a result saturates, as those of layers without sums do."""
    accelerator = Accelerator(
        arithmetic=ArithmeticParameters(overflow=SumOverflow.SATURATE, contract=Contract.SHIFT),
        requantizer=RequantizerParameters(output_overflow=overflow),
    )
    requantizer, spec, wraps = Requantizer(accelerator=accelerator), accelerator.requantization, overflow == "wrap"
    cases = [(x, bounds, wrap) for bounds in ((-128, 127), (-60, 70)) for x in range(-512, 512) for wrap in (0, 1)]

    async def bench(context: Any) -> None:
        drive(context, requantizer, zero_point=-7)
        for bounds in ((-128, 127), (-60, 70)):
            low = max(bounds[0], -127) if overflow is OutputOverflow.SATURATE_SYMMETRIC else bounds[0]
            drive(context, requantizer, low=low, high=bounds[1])
            listed = [case for case in cases if case[1] == bounds]
            for number in range(len(listed) + requantizer.latency - 1):
                if number < len(listed):
                    drive(context, requantizer, accumulator=listed[number][0])
                    if wraps:
                        context.set(requantizer.wrap, listed[number][2])
                await context.tick()
                due = number + 1 - requantizer.latency
                if due >= 0:
                    x, _, wrap = listed[due]
                    fitted = spec if wrap or not wraps else Requantization(Contract.SHIFT)
                    assert context.get(requantizer.code) == fitted.code(x, -7, INT8, bounds), listed[due]
                    assert context.get(requantizer.clamped) == bool(spec.clamped(x, -7, INT8)), listed[due]

    simulate(requantizer, bench)
