"""Whether the order of additions can change a layer's sums (docs/guide/certify.md)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwq.certify.terms import Integers, Terms
from hwq.numeric.accumulation import Granularity
from hwq.numeric.overflow import Overflow


def order_matters(terms: Terms) -> NDArray[np.bool_]:
    """Of each channel, bool [channels], whether another sequence of its products, or other passes, can give other sums.

    Sums that saturate depend on it where those products that are of one sign can leave the accumulator while one of the
    other sign is still to come: added before, it keeps them inside. Without one they end at the width's last value in
    any order. Sums of passes depend on how products are cut to passes, where any of them together leave their width;
    sums that wrap depend on nothing else.

    Under ``refuse`` it is what would hold if sums saturated.
    """
    matters = np.zeros(len(terms.weights), bool)
    for spot in terms.spots:
        low, high = terms.extremes(spot)
        below, above = np.minimum(low, 0), np.maximum(high, 0)
        alone = ((low != 0) | (high != 0)).sum(axis=1) < 2
        matters |= ~alone & (_leaves_accumulator(terms, below, above) | _leaves_psum(terms, below, above))
    return matters


def _wraps(terms: Terms) -> bool:
    return terms.how.accumulation.overflow.value == Overflow.WRAP.value


def _leaves_accumulator(terms: Terms, below: Integers, above: Integers) -> NDArray[np.bool_]:
    """Whether products of one sign leave the accumulator without one that can be of the other sign."""
    if _wraps(terms):
        return np.zeros(len(below), bool)
    spec, start = terms.how.accumulation, terms.start
    lowest, highest = spec.range(spec.accumulator_bits)
    # The product that stays away: of those that can be of the other sign, the one that adds least.
    most = np.iinfo(np.int64).max >> 1
    spared = np.where(below < 0, above, most).min(axis=1), np.where(above > 0, -below, most).min(axis=1)
    top, bottom = start + above.sum(axis=1) - spared[0], start + below.sum(axis=1) + spared[1]
    return np.asarray((top > highest) | (bottom < lowest))


def _leaves_psum(terms: Terms, below: Integers, above: Integers) -> NDArray[np.bool_]:
    """Whether some of the products leave the width of a pass, and are not as good as exact nevertheless."""
    spec = terms.how.accumulation
    bits = spec.psum_bits
    if bits is None or spec.granularity is Granularity.MAC or (_wraps(terms) and bits >= spec.accumulator_bits):
        return np.zeros(len(below), bool)
    lowest, highest = spec.range(bits)
    return np.asarray((above.sum(axis=1) > highest) | (below.sum(axis=1) < lowest))
