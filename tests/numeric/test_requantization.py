"""Records and codes of every contract in hardware, against fractions written from docs/spec/numerics.md alone."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest

from hwq.errors import ConfigError
from hwq.numeric.formats import IntFormat
from hwq.numeric.requantization import OutputOverflow, Requantization
from hwq.numeric.requantize import Contract
from hwq.numeric.rounding import Rounding
from tests.support.simulation import wrapped

LOW, HIGH = -(1 << 31), (1 << 31) - 1


def rounded(exact: Fraction, rounding: Rounding) -> int:
    below, above = math.floor(exact), math.ceil(exact)
    nearer = below if exact - below < above - exact else above
    if rounding is Rounding.FLOOR:
        return below
    if rounding is Rounding.TOWARD_ZERO:
        return math.trunc(exact)
    if exact - below != Fraction(1, 2):
        return nearer
    return {
        Rounding.HALF_UP: above,
        Rounding.HALF_DOWN: below,
        Rounding.HALF_TOWARD_ZERO: math.trunc(exact),
        Rounding.HALF_AWAY: above if exact > 0 else below,
        Rounding.HALF_EVEN: below if below % 2 == 0 else above,
        Rounding.HALF_ODD: above if below % 2 == 0 else below,
    }[rounding]


def expected(spec: Requantization, x: int, record: dict[str, int]) -> int:
    if spec.contract is Contract.PLAIN:
        return rounded(Fraction(x * record["multiplier"] + record["add"], 2 ** record["right"]), spec.rounding)
    biased, shift = wrapped(x + record["bias"], 32), record["shift"]
    left, right = max(shift, 0), max(-shift, 0)
    if spec.contract is Contract.SHIFT:
        return rounded(Fraction(wrapped(biased << left, 32), 2**right), spec.rounding)
    if spec.contract is Contract.SINGLE:
        return rounded(Fraction(biased * record["multiplier"]) * Fraction(2) ** (shift - 31), Rounding.HALF_UP)
    high = rounded(Fraction(wrapped(biased << left, 32) * record["multiplier"], 2**31), Rounding.HALF_UP)
    away = spec.contract is Contract.DOUBLE or record["away"]
    return rounded(Fraction(high, 2**right), Rounding.HALF_AWAY if away else Rounding.HALF_UP)


SPECS = [
    *(Requantization(contract) for contract in (Contract.DOUBLE, Contract.UP2, Contract.SINGLE)),
    *(Requantization(Contract.SHIFT, rounding=rounding) for rounding in Rounding),
    *(Requantization(Contract.PLAIN, bits, rounding=rounding) for rounding in Rounding for bits in (1, 8, 31)),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.contract}-{spec.rounding}-{spec.multiplier_bits}")
def test_every_contract(spec: Requantization) -> None:
    choose = random.Random(5)
    if spec.contract is Contract.SHIFT:
        scales = [2.0**-e for e in range(-3, 32)]
    else:
        scales = [choose.choice([2.0**-e, choose.uniform(0.5, 1) * 2.0**-e]) for e in range(36)]
    if spec.contract is not Contract.PLAIN:
        scales += [1.5, 7.25] if spec.contract is not Contract.SHIFT else []
    away = [choose.random() < 0.5 for _ in scales]
    bias = [choose.choice([0, choose.randint(-3000, 3000)]) for _ in scales]
    records = spec.encode(scales, bias, away)
    assert [field.name for field in spec.fields] == [*records]
    for field in spec.fields:
        assert IntFormat(field.width, field.signed).contains(records[field.name])
    sums = []
    for scale in scales:
        near = round(choose.randint(-200, 200) / scale)
        sums.append([LOW, HIGH, 0, 1, -1] + [min(max(near + off, LOW), HIGH) for off in range(-8, 8)])
    found = spec.compute(np.array(sums).T, records)
    for channel, column in enumerate(sums):
        record = {name: int(values[channel]) for name, values in records.items()}
        assert found[:, channel].tolist() == [expected(spec, x, record) for x in column]


def test_the_multiplier_is_the_best_of_its_width() -> None:
    spec = Requantization(Contract.PLAIN, 8)
    for scale in (0.3, 0.999, 0.9999, 2.0**-20, 1.0, 100.0):
        record = {name: int(values[0]) for name, values in spec.encode([scale], [0]).items()}
        assert 128 <= record["multiplier"] <= 255
        assert abs(record["multiplier"] / 2 ** record["right"] - scale) <= scale / 256
    tiny = spec.encode([2.0**-70], [0])
    assert (int(tiny["multiplier"][0]), int(tiny["right"][0])) == (0, 62)


@pytest.mark.parametrize("overflow", OutputOverflow)
def test_every_value_becomes_a_code(overflow: OutputOverflow) -> None:
    spec, codes = Requantization(output_overflow=overflow), IntFormat(4)
    values = np.arange(-40, 41)
    low = -7 if overflow is OutputOverflow.SATURATE_SYMMETRIC else -8
    totals = (values + 3).tolist()
    if overflow is OutputOverflow.WRAP:
        fitted = [wrapped(total, 4) for total in totals]
    else:
        fitted = [min(max(total, low), 7) for total in totals]
    assert spec.code(values, 3, codes, (-8, 7)).tolist() == fitted
    assert spec.code(values, 3, codes, (-2, 5)).tolist() == [min(max(code, -2), 5) for code in fitted]
    assert spec.clamped(values, 3, codes).tolist() == [not low <= total <= 7 for total in totals]


def test_what_hardware_cannot_is_refused() -> None:
    with pytest.raises(ConfigError, match="contract: f64away computes in floats"):
        Requantization(Contract.F64AWAY)
    with pytest.raises(ConfigError, match="power of two under contract shift"):
        Requantization(Contract.SHIFT).encode([0.3], [0])
    with pytest.raises(ConfigError, match="multiplier_bits: 4 bits hold no multiplier for a scale of 16"):
        Requantization(Contract.PLAIN, 4).encode([16.0], [0])
    with pytest.raises(ConfigError, match="add_bits: a bias times its multiplier needs 25 bits, not 24"):
        Requantization(Contract.PLAIN, 8, add_bits=24).encode([0.99], [50000])
