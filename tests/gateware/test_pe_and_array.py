"""Processing element and array against sums of products in whole numbers."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, InputZeroPoint
from hwq.gateware.array import SystolicArray
from hwq.gateware.pe import ProcessingElement
from hwq.numeric.accumulation import Accumulation, BiasPlace, Granularity, SumOverflow
from hwq.numeric.formats import IntFormat
from hwq.numeric.rounding import Rounding, shift_right
from tests.support.simulation import drive, numbers, simulate, wrapped

NARROW = IntFormat(3)
PSUM_BITS = 6


async def _use(context: Any, pe: ProcessingElement, weight: int) -> None:
    """From now on ``weight`` multiplies."""
    drive(context, pe, load_in=1, weight_in=weight)
    await context.tick()
    drive(context, pe, load_in=0, renew_in=1)
    await context.tick()
    drive(context, pe, renew_in=0)


@pytest.mark.parametrize("product_register", [False, True])
def test_every_product_and_sum_of_narrow_elements(product_register: bool) -> None:
    """All operands, weights and sums of 3, 3 and 6 bits, while others are loaded; most sums wrap."""
    pe = ProcessingElement(operand=NARROW, weight=NARROW, psum_bits=PSUM_BITS, product_register=product_register)
    assert pe.latency == 1 + product_register
    codes = range(NARROW.min, NARROW.max + 1)
    sums = range(-(1 << PSUM_BITS - 1), 1 << PSUM_BITS - 1)

    async def bench(context: Any) -> None:
        for weight in codes:
            drive(context, pe, renew_in=0, load_in=1, weight_in=weight)
            await context.tick()
            # From now on another weight is loaded, which comes with the change, and the lines of an idle load carry a
            # third.
            drive(context, pe, renew_in=1, load_in=1, weight_in=~weight)
            await context.tick()
            drive(context, pe, renew_in=0, load_in=0, weight_in=NARROW.min)
            for operand, psum in itertools.product(codes, sums):
                drive(context, pe, operand_in=operand, psum_in=psum)
                for _ in range(pe.latency):
                    await context.tick()
                assert context.get(pe.psum_out) == wrapped(psum + operand * weight, PSUM_BITS), (weight, operand, psum)

    simulate(pe, bench)


@pytest.mark.parametrize("overflow", [SumOverflow.WRAP, SumOverflow.SATURATE, SumOverflow.SATURATE_SYMMETRIC])
def test_every_sum_of_narrow_elements_is_fitted_and_counted(overflow: SumOverflow) -> None:
    """All operands, weights and sums of 3, 3 and 6 bits, against the definition."""
    fitting = Accumulation(None, PSUM_BITS, overflow, Granularity.MAC, bias=BiasPlace.INITIAL)
    pe = ProcessingElement(
        operand=NARROW, weight=NARROW, psum_bits=PSUM_BITS, product_register=False, accumulation=fitting, most=5
    )
    codes = range(NARROW.min, NARROW.max + 1)

    async def bench(context: Any) -> None:
        for weight, operand, psum in itertools.product(codes, codes, range(*fitting.range(PSUM_BITS))):
            await _use(context, pe, weight)
            drive(context, pe, operand_in=operand, psum_in=psum, count_in=4)
            await context.tick()
            expected = fitting.compute([operand * weight], [1], psum)
            found = context.get(pe.psum_out), context.get(pe.count_out) - 4
            assert found == (int(expected.sums), int(expected.accumulator_overflows)), (weight, operand, psum)

    simulate(pe, bench)


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 9])
@pytest.mark.parametrize("rounding", Rounding)
def test_every_product_is_truncated(rounding: Rounding, bits: int) -> None:
    """All operands and weights of 4 and 3 bits, more bits than a product has among the dropped ones."""
    spec, operand_codes = Accumulation(truncate=bits, truncate_rounding=rounding), IntFormat(4)
    pe = ProcessingElement(operand=operand_codes, weight=NARROW, psum_bits=9, product_register=True, accumulation=spec)

    async def bench(context: Any) -> None:
        for weight, operand in itertools.product(
            range(NARROW.min, NARROW.max + 1), range(operand_codes.min, operand_codes.max + 1)
        ):
            await _use(context, pe, weight)
            drive(context, pe, operand_in=operand, psum_in=3)
            await context.tick()
            await context.tick()
            assert context.get(pe.psum_out) - 3 == shift_right(operand * weight, bits, rounding), (weight, operand)

    simulate(pe, bench)


@pytest.mark.parametrize("product_register", [False, True])
def test_operands_and_sums_arrive_with_their_own_latency(product_register: bool) -> None:
    """A sum enters one cycle before it leaves, an operand ``latency`` cycles; each cycle has new ones."""
    pe = ProcessingElement(operand=IntFormat(8), weight=IntFormat(8), psum_bits=20, product_register=product_register)
    choose = random.Random(3)

    async def bench(context: Any) -> None:
        await _use(context, pe, -77)
        products: list[int] = []
        for cycle in range(200):
            operand, psum = choose.randint(-128, 127), choose.randint(-(1 << 19), (1 << 19) - 1)
            drive(context, pe, operand_in=operand, psum_in=psum)
            products.append(operand * -77)
            await context.tick()
            if cycle >= pe.latency:
                assert context.get(pe.psum_out) == wrapped(psum + products[-pe.latency], 20)

    simulate(pe, bench)


def _array(rows: int, columns: int, product_register: bool, form: InputZeroPoint) -> Accelerator:
    return Accelerator(ArrayParameters(rows, columns, product_register), ArithmeticParameters(input_zero_point=form))


SIZES = [(1, 1), (1, 4), (4, 1), (3, 5), (6, 2)]


@pytest.mark.parametrize("form", InputZeroPoint)
@pytest.mark.parametrize("product_register", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("early", [True, False], ids=["loads early", "loads late"])
def test_tiles_load_while_others_compute(
    early: bool, size: tuple[int, int], product_register: bool, form: InputZeroPoint
) -> None:
    """Row ``r`` loads in the first or in the last cycle that the array allows."""
    rows, columns = size
    accelerator = _array(rows, columns, product_register, form)
    array = SystolicArray(accelerator=accelerator)
    assert array.latency == rows + columns - 1 + product_register
    choose = random.Random(7)
    low, high = accelerator.operand.min, accelerator.operand.max

    def operand() -> int:
        return choose.choice([low, high, choose.randint(low, high)])

    # What enters in each cycle: operands, whether the next one begins a tile, and the sums due for it; and by cycle the
    # row that loads, with its weights.
    steps: list[tuple[list[int], bool, list[int] | None]] = [([0] * rows, False, None)] * (2 * rows + 1)
    steps[-1] = ([0] * rows, True, None)
    loads: dict[int, tuple[int, list[int]]] = {}
    tile = [[choose.choice([-128, 127, choose.randint(-128, 127)]) for _ in range(columns)] for _ in range(rows)]
    loads |= {rows + r: (r, tile[r]) for r in range(rows)}
    for _ in range(8):
        begin, length = len(steps), max(rows, 2) + choose.randint(0, 3)
        for step in range(length):
            operands = [operand() for _ in range(rows)]
            sums = [sum(operands[r] * tile[r][c] for r in range(rows)) for c in range(columns)]
            steps.append((operands, step == length - 1, sums))
        tile = [[choose.randint(-128, 127) for _ in range(columns)] for _ in range(rows)]
        loads |= {(begin if early else begin + length - 2) + r: (r, tile[r]) for r in range(rows)}

    async def bench(context: Any) -> None:
        compared = 0
        for cycle in range(len(steps) + array.latency - 1):
            operands, renew, _ = steps[cycle] if cycle < len(steps) else ([low] * rows, False, None)
            row, weights = loads.get(cycle, (None, [-1] * columns))
            drive(context, array, operands=operands, renew=renew, weights=weights, load=0 if row is None else 1 << row)
            await context.tick()
            due = cycle + 1 - array.latency
            if due >= 0 and steps[due][2] is not None:
                assert numbers(context, array.sums) == steps[due][2], f"step {due}"
                compared += 1
        assert compared == sum(sums is not None for _, _, sums in steps)

    simulate(array, bench)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_default_sums_hold_the_extremes(size: tuple[int, int]) -> None:
    """Every operand and weight at its lowest: the largest sum there is, which must not wrap."""
    rows, columns = size
    array = SystolicArray(accelerator=_array(rows, columns, True, InputZeroPoint.SUBTRACTED))

    async def bench(context: Any) -> None:
        for row in range(rows):
            drive(context, array, load=1 << row, weights=[-128] * columns)
            await context.tick()
        drive(context, array, load=0, renew=1)
        for _ in range(rows):
            await context.tick()
            drive(context, array, renew=0)
        drive(context, array, operands=[-256] * rows)
        for _ in range(array.latency):
            await context.tick()
        assert numbers(context, array.sums) == [rows * 256 * 128] * columns

    simulate(array, bench)
