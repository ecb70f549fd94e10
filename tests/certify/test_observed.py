"""Sums seen on samples, against Python's own sums of every output."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hwq.certify.observed import Observer
from hwq.certify.terms import Terms
from hwq.graph.inputs import random_samples
from hwq.graph.layers import WeightedLayer
from hwq.numeric.accumulation import Accumulation, Granularity
from hwq.schedule.order import OrderedSum
from tests.certify.layers import partial_sums, start_of
from tests.support.convolutions import random_convolution
from tests.support.random_networks import random_network
from tests.support.scalar_layers import _outputs


def _check(terms: Terms, layer: WeightedLayer, x: np.ndarray) -> None:
    spec, observer = terms.how.accumulation, Observer(terms)
    assert observer.accumulators is observer.psums is None
    for begin in range(0, len(x), 2):
        observer.add(x[begin : begin + 2])
    every = spec.granularity is Granularity.MAC
    seen: dict[tuple[str, int], list[int]] = {}
    for codes in x:
        for channel, runs in _outputs(layer, codes):
            zero = terms.zero_point
            taps = [(zero if code is None else code, weight) for run in runs for code, weight in run]
            exact = [(code - zero * terms.how.subtracted) * weight for code, weight in taps]
            start = start_of(layer, terms, channel)
            sums = partial_sums(spec.product(exact).tolist(), terms.how.passes, every, start)
            for kind, _, value in (("accumulator", 0, start), *sums):
                seen.setdefault((kind, channel), []).append(value)
    assert (observer.psums is None) == every
    for kind, reach in (("accumulator", observer.accumulators), ("psum", observer.psums)):
        if reach is not None:
            pairs = list(zip(reach.low.tolist(), reach.high.tolist(), strict=True))
            values = [seen[kind, channel] for channel in range(layer.channels)]
            assert pairs == [(min(found), max(found)) for found in values], kind


def _order(choose: random.Random, layer: WeightedLayer) -> OrderedSum:
    count, height = layer.channel_rows.shape[1], choose.randint(1, 9)
    passes = tuple(min(height, count - begin) for begin in range(0, count, height))
    spec = Accumulation(granularity=choose.choice(list(Granularity)), truncate=choose.choice([0, 0, 3]))
    return OrderedSum(spec, passes, choose.random() < 0.5)


@pytest.mark.parametrize("seed", range(20))
def test_random_convolutions(seed: int) -> None:
    choose, network = random.Random(seed), random_convolution(seed)
    (layer,) = network.layers
    assert isinstance(layer, WeightedLayer)
    _check(Terms(network, layer, _order(choose, layer)), layer, random_samples(network, 3, seed))


@pytest.mark.parametrize("seed", range(4))
def test_layers_of_random_networks(seed: int) -> None:
    choose, network = random.Random(seed), random_network(seed)
    for layer in network.layers:
        if isinstance(layer, WeightedLayer):
            source = network.tensors[layer.inputs[0]]
            x = np.random.default_rng(seed).integers(-128, 128, (3, *source.shape)).astype(np.int8)
            _check(Terms(network, layer, _order(choose, layer)), layer, x)
