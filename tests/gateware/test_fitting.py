"""Sums fitted to fewer bits, every value of small widths."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Module, signed
from amaranth.lib.wiring import Component, In, Out

from hwq.gateware.fitting import fit
from hwq.numeric.accumulation import Accumulation, SumOverflow
from tests.support.simulation import drive, simulate

WIDE = 7


class Fitting(Component):
    def __init__(self, bits: int, accumulation: Accumulation) -> None:
        self._bits, self._accumulation = bits, accumulation
        super().__init__({"exact": In(signed(WIDE)), "sum": Out(signed(bits)), "out": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        fitted, out = fit(m, "fitted", self.exact, self._bits, self._accumulation)
        m.d.sync += [self.sum.eq(fitted), self.out.eq(out)]
        return m


def _expected(value: int, bits: int, overflow: SumOverflow) -> tuple[int, int]:
    """Written from docs/spec/numerics.md, N.3 and N.9."""
    high = 2 ** (bits - 1) - 1
    low = -high if overflow is SumOverflow.SATURATE_SYMMETRIC else -high - 1
    if low <= value <= high:
        return value, 0
    wrapped = (value - low) % 2**bits + low
    return (wrapped if overflow is SumOverflow.WRAP else low if value < low else high), 1


@pytest.mark.parametrize("bits", [2, 3, 5, WIDE, WIDE + 1])
@pytest.mark.parametrize("overflow", [o for o in SumOverflow if o is not SumOverflow.REFUSE])
def test_every_value(overflow: SumOverflow, bits: int) -> None:
    dut = Fitting(bits, Accumulation(None, bits, overflow))

    async def bench(context: Any) -> None:
        for value in range(-(1 << WIDE - 1), 1 << WIDE - 1):
            drive(context, dut, exact=value)
            await context.tick()
            assert (context.get(dut.sum), context.get(dut.out)) == _expected(value, bits, overflow), value

    simulate(dut, bench)
