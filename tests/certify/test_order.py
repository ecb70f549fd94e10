"""Whether order matters, by trying every order and every cut into passes of tiny layers on all their inputs."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations

import numpy as np
import pytest

from hwq.certify.order import order_matters
from hwq.certify.terms import Terms
from hwq.numeric.accumulation import Granularity, SumOverflow
from tests.certify.layers import every_input, products_of, tiny_terms

CHOICES = [overflow for overflow in SumOverflow if overflow is not SumOverflow.REFUSE]


def _cuts(count: int) -> list[list[int]]:
    """Every way to cut ``count`` products into passes."""
    found = []
    for pieces in range(count):
        for places in combinations(range(1, count), pieces):
            ends = [*places, count]
            found.append([end - begin for begin, end in zip([0, *places], ends, strict=True)])
    return found


def _differs(terms: Terms, channel: int) -> bool:
    """Whether some order and cut give another sum than the others, for some input."""
    products = [
        found for codes in every_input(terms) for c, found in products_of(terms.layer, terms, codes) if c == channel
    ]
    table = np.unique(np.array(products), axis=0)
    # Products are truncated already; what is left is how they are added, and one by one is a cut among the others.
    spec = replace(terms.how.accumulation, truncate=0, granularity=Granularity.PASS)
    start = int(terms.start[channel])
    sums = [
        spec.compute(table[:, list(order)], cut, start).sums
        for order in permutations(range(table.shape[1]))
        for cut in _cuts(table.shape[1])
    ]
    return any(not np.array_equal(sums[0], other) for other in sums[1:])


@pytest.mark.parametrize("seed", range(48))
def test_all_orders_of_tiny_layers(seed: int) -> None:
    terms = tiny_terms(seed, CHOICES[seed % 3])
    found = order_matters(terms)
    for channel in range(2):
        if terms.how.accumulation.psum_bits is None:
            assert found[channel] == _differs(terms, channel)
        else:
            # Sums of passes that would leave their width may be as good as exact nevertheless.
            assert found[channel] or not _differs(terms, channel)


def test_tiny_layers_are_of_both_kinds() -> None:
    for overflow in (SumOverflow.SATURATE, SumOverflow.SATURATE_SYMMETRIC):
        found = np.concatenate([order_matters(tiny_terms(seed, overflow)) for seed in range(48)])
        assert found.any()
        assert not found.all()
    narrow = [tiny_terms(seed, SumOverflow.WRAP) for seed in range(48)]
    assert {bool(order_matters(terms).any()) for terms in narrow} == {False, True}
    exact = [terms for terms in narrow if terms.how.accumulation.psum_bits is None]
    assert not any(order_matters(terms).any() for terms in exact), "sums modulo 2^bits are the same in any order"
