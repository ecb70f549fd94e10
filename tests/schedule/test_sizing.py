"""Memories and widths that just hold a network."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, InputZeroPoint, WeightPacking
from hwq.errors import CapacityError, ConfigError
from hwq.graph.network import Network
from hwq.schedule.sizing import fitted
from hwq.verify.design import lower_design
from tests.support.operands import asymmetric, narrowed, with_codes
from tests.support.random_networks import random_network


@pytest.mark.parametrize("form", InputZeroPoint)
@pytest.mark.parametrize("seed", [0, 6, 12, 33, 39])
def test_nothing_can_be_smaller(seed: int, form: InputZeroPoint) -> None:
    network = random_network(seed)
    if seed == 12:
        network = asymmetric(with_codes(network, (6,)), 1)
    found = fitted(network, Accelerator(ArrayParameters(3, 4), ArithmeticParameters(input_zero_point=form)))
    whole = lower_design(network, found)
    assert not whole.host
    arithmetic, buffers = found.arithmetic, found.buffers
    smaller = [
        replace(found, buffers=replace(buffers, **{name: getattr(buffers, name) - step}))
        for name, step in [
            # A word less is what a memory of one element less can be.
            ("activations", 2 * found.word),
            ("weights", found.array.columns),
            ("channels", found.array.columns),
            ("descriptors", 1),
        ]
        if getattr(buffers, name) - step >= 16 or name == "descriptors"
    ]
    smaller.append(replace(found, arithmetic=replace(arithmetic, weight_bits=arithmetic.weight_bits - 1)))
    if arithmetic.activation_bits > 2:
        smaller.append(replace(found, arithmetic=replace(arithmetic, activation_bits=arithmetic.activation_bits - 1)))
    for accelerator in smaller:
        with pytest.raises(CapacityError):
            lower_design(network, accelerator)
    with pytest.raises((CapacityError, ConfigError), match="accumulator_bits"):
        narrow = replace(arithmetic, accumulator_bits=arithmetic.accumulator_bits - 1)
        lower_design(network, replace(found, arithmetic=narrow))


def test_weights_are_packed_where_memory_gets_smaller() -> None:
    array = Accelerator(ArrayParameters(4, 4))
    mixed = fitted(narrowed(random_network(6), (8, 4, 2), 1), array)
    even = fitted(narrowed(random_network(3), (8,), 1), array)
    found = mixed.arithmetic.weight_packing, even.arithmetic.weight_packing
    assert found == (WeightPacking.LAYER, WeightPacking.NONE)
    apart = replace(mixed, arithmetic=replace(mixed.arithmetic, weight_packing=WeightPacking.NONE))
    with pytest.raises(CapacityError, match=r"buffers\.weights"):
        lower_design(narrowed(random_network(6), (8, 4, 2), 1), apart)


def test_a_network_that_no_engine_runs() -> None:
    network = random_network(0)
    empty = Network("none", {network.input: network.tensors[network.input]}, (), network.input, network.input)
    with pytest.raises(ConfigError, match="network none has no layer that an engine runs"):
        fitted(empty, Accelerator())
