"""What the sums of a layer can reach, over every partial sum that the schedule makes (docs/guide/certify.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwq.certify.terms import Spot, Terms
from hwq.numeric.accumulation import Accumulation, Granularity, SumOverflow
from hwq.numeric.bounds import signed_bits, sum_bounds

Integers = NDArray[np.int64]


def safe_bits(accumulation: Accumulation, low: int, high: int) -> int:
    """Bits of the narrowest width that holds [low, high]; a symmetric one lacks its lowest value."""
    return signed_bits(low - (accumulation.overflow is SumOverflow.SATURATE_SYMMETRIC), high)


@dataclass(frozen=True, eq=False)
class Reach:
    """Lowest and highest sum of each channel, int64 [channels] each; every one of them is reached by some input."""

    low: Integers
    high: Integers
    accumulation: Accumulation

    @property
    def bits(self) -> int:
        """Bits that hold all of them."""
        return safe_bits(self.accumulation, int(self.low.min()), int(self.high.max()))

    @cached_property
    def channel_bits(self) -> list[int]:
        """Bits of each channel."""
        pairs = zip(self.low.tolist(), self.high.tolist(), strict=True)
        return [safe_bits(self.accumulation, low, high) for low, high in pairs]


@dataclass(frozen=True, eq=False)
class Prefixes:
    """Partial sums at one output pixel: their lowest and highest values, int64 [channels, sums] each.

    Sum ``i`` has products ``begins[i]`` to ``ends[i]``, and of accumulators what they begin with.
    """

    spot: Spot
    begins: Integers
    ends: Integers
    low: Integers
    high: Integers


def psums(terms: Terms) -> Iterator[Prefixes]:
    """The sums of passes: exact until they are complete; none where every addition is fitted."""
    spec = terms.how.accumulation
    if spec.granularity is Granularity.MAC:
        return
    ends = np.cumsum(np.array(terms.how.passes, dtype=np.int64))
    begins = ends - terms.how.passes
    for spot in terms.spots:
        low, high = (np.add.reduceat(end, begins, axis=1) for end in terms.extremes(spot))
        yield Prefixes(spot, begins, ends, low, high)


def accumulators(terms: Terms) -> Iterator[Prefixes]:
    """What accumulators hold after each pass, or after each product where every addition is fitted."""
    start = terms.exact_start[:, None]
    if terms.how.accumulation.granularity is Granularity.PASS:
        for sums in psums(terms):
            low, high = (start + np.cumsum(part, axis=1) for part in (sums.low, sums.high))
            yield Prefixes(sums.spot, np.zeros_like(sums.ends), sums.ends, low, high)
        return
    ends = np.arange(1, terms.weights.shape[1] + 1)
    for spot in terms.spots:
        low, high = (start + np.cumsum(part, axis=1) for part in terms.extremes(spot))
        yield Prefixes(spot, np.zeros_like(ends), ends, low, high)


def psum_reach(terms: Terms) -> Reach | None:
    """Of the sums of passes; ``None`` where there are none."""
    found = list(psums(terms))
    return _reach(terms, found) if found else None


def accumulator_reach(terms: Terms) -> Reach:
    """Of the accumulators, with what they begin with."""
    reach = _reach(terms, list(accumulators(terms)))
    start = terms.exact_start
    return Reach(np.minimum(reach.low, start), np.maximum(reach.high, start), reach.accumulation)


def any_order_reach(terms: Terms) -> Reach:
    """Of every sum of some of the products, with what accumulators begin with, as if all operands could be chosen.

    It is what ``overflow: refuse`` goes by, which knows of neither order nor padding.
    """
    low, high = sum_bounds(terms.weights, *terms.operands, terms.how.accumulation)
    return Reach(terms.exact_start + low, terms.exact_start + high, terms.how.accumulation)


def _reach(terms: Terms, found: list[Prefixes]) -> Reach:
    low = np.min([sums.low.min(axis=1) for sums in found], axis=0)
    high = np.max([sums.high.max(axis=1) for sums in found], axis=0)
    return Reach(low, high, terms.how.accumulation)
