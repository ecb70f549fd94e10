"""The formulas that lanes are proven equal to give what hwq.numeric gives."""

from __future__ import annotations

import random

import numpy as np
import pytest
import z3

from hwq.numeric.formats import INT8
from hwq.numeric.requantization import OutputOverflow, Requantization
from hwq.numeric.requantize import Contract
from hwq.numeric.rounding import Rounding
from tests.proofs.formulas import Formula, number

SPECS = [
    *(Requantization(contract) for contract in (Contract.DOUBLE, Contract.UP2, Contract.SINGLE)),
    *(Requantization(contract, rounding=r) for contract in (Contract.PLAIN, Contract.SHIFT) for r in Rounding),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.contract}-{spec.rounding}")
def test_results(spec: Requantization) -> None:
    """Small sums, which tie, and large ones, under records of small and large shifts."""
    choose = random.Random(5)
    for shift in (*range(-31, 0, 4), -1, 0, 1, 8, 30):
        record = {"bias": choose.choice([0, -7]), "multiplier": 1 << 30, "shift": shift, "away": choose.randint(0, 1)}
        if spec.contract is Contract.PLAIN:
            record = {"add": choose.choice([0, -7]), "multiplier": 3, "right": shift + 31}
        tie = 5 << min(max(record.get("right", 0) - 1, 0), 28)
        for x in (tie, -tie, choose.randint(-9, 9) << choose.randrange(28), choose.randint(-(1 << 31), (1 << 31) - 1)):
            fields = {field.name: record[field.name] for field in spec.fields}
            formula = Formula(spec, number(x), {name: number(value) for name, value in fields.items()})
            factored = formula.factor * (1 if spec.contract is Contract.SHIFT else record["multiplier"])
            expected = spec.compute([x], {name: np.array([value]) for name, value in fields.items()})
            assert z3.simplify(formula.result(factored)).as_signed_long() == expected[0], (x, record)


@pytest.mark.parametrize("overflow", OutputOverflow)
def test_codes(overflow: OutputOverflow) -> None:
    spec = Requantization(output_overflow=overflow)
    formula = Formula(spec, number(0), {})
    for result in range(-400, 400):
        code = formula.code(number(result), number(9), number(-60), number(70), 8)
        assert z3.simplify(code).as_signed_long() == spec.code([result], 9, INT8, (-60, 70))[0], result
