"""Prices are the table's where it has them, and in between what the widths say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hwq.arch.parameters import ArithmeticParameters
from hwq.cost.counts import Counts, Memory, Operation, count_run, count_step
from hwq.cost.energy import energy, operation_prices, prices
from hwq.cost.memories import memories
from hwq.numeric.requantize import Contract
from hwq.verify.design import lower_design
from tests.support.every_engine import ACCELERATOR, every_engine_network


def test_what_the_source_names_costs_what_it_says() -> None:
    price = prices()
    assert (price.addition(8), price.addition(32)) == (0.03, 0.1)
    assert (price.multiplication(8, 8), price.multiplication(32, 32)) == (0.2, pytest.approx(3.1))
    sizes = [price.access(kib * 1024 * 8, 64) for kib in (8, 32, 1024)]
    assert sizes == [pytest.approx(10), pytest.approx(20), pytest.approx(100)]
    assert (price.process_nm, price.volts, price.dram, price.fpga) == (45, 0.9, 1950, 14)


def test_widths_scale_prices() -> None:
    price = prices()
    assert price.addition(20) == pytest.approx(0.065)
    assert price.multiplication(4, 16) == price.multiplication(8, 8)
    assert price.multiplication(1, 1) < price.multiplication(4, 4) < price.multiplication(8, 8)
    # A quarter of the size, half the energy; half the bits, half the energy.
    assert price.access(2048 * 8, 64) == pytest.approx(5)
    assert price.access(8192 * 8, 32) == pytest.approx(5)


def test_energy_is_counts_times_prices() -> None:
    each = operation_prices(ACCELERATOR)
    counts = Counts({Operation.TAPS: 7, Operation.POOLED: 3}, {Memory.WEIGHTS: 5}, {Memory.WEIGHTS: 2})
    weights = next(shape for shape in memories(ACCELERATOR) if shape.memory is Memory.WEIGHTS)
    assert energy(counts, ACCELERATOR) == {
        "taps": 7 * each[Operation.TAPS],
        "pooled": 3 * each[Operation.POOLED],
        "weights": pytest.approx(7 * prices().access(weights.words * 32, 32)),
    }


def test_layers_and_the_end_add_up_to_the_run() -> None:
    run = lower_design(every_engine_network(), ACCELERATOR).program.network
    assert run is not None
    whole = energy(count_run(run), ACCELERATOR)
    assert set(whole) == {*Operation} | ({*Memory} - {Memory.BIASES})
    layers = [energy(count_step(step), ACCELERATOR) for step in run.steps]
    for name, cost in whole.items():
        parts = sum(layer.get(name, 0.0) for layer in layers)
        if name == "descriptors":
            parts *= (len(layers) + 1) / len(layers)
        assert cost == pytest.approx(parts)


def test_narrow_weights_and_no_multiplier_cost_less() -> None:
    narrow = replace(ACCELERATOR, table=None, arithmetic=ArithmeticParameters(weight_bits=4, contract=Contract.SHIFT))
    few, many = operation_prices(narrow), operation_prices(ACCELERATOR)
    assert few[Operation.PRODUCTS] < many[Operation.PRODUCTS]
    assert few[Operation.REQUANTIZED] == pytest.approx(0.3)
    assert many[Operation.REQUANTIZED] == pytest.approx(0.3 + prices().multiplication(32, 31))
