"""Bounds that follow the schedule: by all inputs of tiny layers, and by Python's own sums of random ones."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hwq.certify.reach import accumulator_reach, any_order_reach, psum_reach, safe_bits
from hwq.certify.terms import Terms
from hwq.graph.layers import WeightedLayer
from hwq.numeric.accumulation import Accumulation, Granularity, SumOverflow
from hwq.numeric.bounds import accumulator_bounds, operand_range
from hwq.schedule.order import OrderedSum
from tests.certify.layers import every_input, partial_sums, products_of, start_of, tiny_terms
from tests.support.convolutions import random_convolution, small_network


@pytest.mark.parametrize("seed", range(60))
def test_all_inputs_of_tiny_layers_reach_exactly_the_bounds(seed: int) -> None:
    terms = tiny_terms(seed)
    layer, spec = terms.layer, terms.how.accumulation
    every = spec.granularity is Granularity.MAC
    seen: dict[tuple[str, int], list[int]] = {}
    for channel in range(2):
        seen["accumulator", channel] = [start_of(layer, terms, channel)]
    for codes in every_input(terms):
        for channel, products in products_of(layer, terms, codes):
            start = start_of(layer, terms, channel)
            for kind, _, value in partial_sums(products, terms.how.passes, every, start):
                seen.setdefault((kind, channel), []).append(value)
    reaches = {"accumulator": accumulator_reach(terms), "psum": psum_reach(terms)}
    assert (reaches["psum"] is None) == every
    for kind, reach in reaches.items():
        if reach is not None:
            found = [(min(seen[kind, channel]), max(seen[kind, channel])) for channel in range(2)]
            assert list(zip(reach.low.tolist(), reach.high.tolist(), strict=True)) == found, kind


def test_tiny_layers_are_of_every_kind() -> None:
    terms = [tiny_terms(seed) for seed in range(60)]
    assert any(len(layer.spots) > 1 and not layer.how.subtracted and layer.padding for layer in terms)
    tighter = [layer for layer in terms if accumulator_reach(layer).bits < any_order_reach(layer).bits]
    assert tighter, "following the schedule is worth it nowhere"


def _widest(layer: WeightedLayer, terms: Terms, every: bool) -> dict[tuple[str, int], tuple[int, int]]:
    """Lowest and highest partial sums of a layer none of whose windows meets padding, product by product."""
    low, high = terms.operands
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for channel, row in enumerate(layer.channel_rows.astype(int).tolist()):
        sides = []
        for worst in (min, max):
            products = terms.how.accumulation.product([worst(w * low, w * high) for w in row]).tolist()
            start = start_of(layer, terms, channel)
            sides.append(partial_sums(products, terms.how.passes, every, start))
        for kind in ("psum", "accumulator"):
            lows, highs = ([value for name, _, value in side if name == kind] for side in sides)
            if lows:
                start = [start_of(layer, terms, channel)] if kind == "accumulator" else []
                found[kind, channel] = min(lows + start), max(highs + start)
    return found


@pytest.mark.parametrize("seed", range(30))
def test_random_layers_by_sums_in_python(seed: int) -> None:
    choose, network = random.Random(seed), random_convolution(seed)
    (layer,) = network.layers
    assert isinstance(layer, WeightedLayer)
    count, height = layer.channel_rows.shape[1], choose.randint(1, 9)
    passes = tuple(min(height, count - begin) for begin in range(0, count, height))
    spec = Accumulation(granularity=choose.choice(list(Granularity)), truncate=choose.choice([0, 3]))
    terms = Terms(network, layer, OrderedSum(spec, passes, choose.random() < 0.5))
    reach, psum, every = accumulator_reach(terms), psum_reach(terms), spec.granularity is Granularity.MAC
    expected = _widest(layer, terms, every)
    pairs = {"accumulator": reach, **({} if psum is None else {"psum": psum})}
    inside = len(terms.spots) == 1 and terms.spots[0].inside.all()
    for kind, found in pairs.items():
        for channel, ends in enumerate(zip(found.low.tolist(), found.high.tolist(), strict=True)):
            low, high = expected[kind, channel]
            assert ends == (low, high) if inside else low <= ends[0] <= ends[1] <= high


@pytest.mark.parametrize("subtracted", [False, True])
def test_any_order_is_what_refuse_refuses_by(subtracted: bool) -> None:
    network = small_network()
    layer = network.layer("second")
    assert isinstance(layer, WeightedLayer)
    source = network.tensors[layer.inputs[0]].quantization
    reach = any_order_reach(Terms(network, layer, OrderedSum(Accumulation(), (36,), subtracted)))
    operands = operand_range(source.format, int(source.zero_point[0]), subtracted)
    low, high = accumulator_bounds(layer.channel_rows, *operands)
    assert np.array_equal(reach.low, low)
    assert np.array_equal(reach.high, high)


def test_a_symmetric_width_lacks_its_lowest_value() -> None:
    for overflow, bits in ((SumOverflow.SATURATE, 8), (SumOverflow.SATURATE_SYMMETRIC, 9)):
        assert safe_bits(Accumulation(overflow=overflow), -128, 127) == bits
    symmetric = Accumulation(overflow=SumOverflow.SATURATE_SYMMETRIC)
    for low in range(-20, 1):
        for high in range(20):
            bits = safe_bits(symmetric, low, high)
            assert symmetric.range(bits)[0] <= low <= high <= symmetric.range(bits)[1]
            if bits > 1:
                lowest, highest = symmetric.range(bits - 1)
                assert low < lowest or high > highest
