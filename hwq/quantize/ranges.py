"""Ranges of activations from what calibration remembers of them, one function for each method."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from hwq.quantize.grids import Grid, make_grid
from hwq.quantize.specification import ActivationQuantization, RangeMethod, Scheme
from hwq.quantize.statistics import Extremes, Histogram

Range = tuple[float, float]

#: Candidates for each end of a range, as parts of the extreme.
_PARTS = np.linspace(0.25, 1.0, 46)

#: Methods that need no second pass over the samples.
ONE_PASS = (RangeMethod.MIN_MAX, RangeMethod.MOVING_AVERAGE)


def find_range(spec: ActivationQuantization, extremes: Extremes, histogram: Histogram | None) -> Range:
    """Lower and upper end of a tensor's range.

    Parameters
    ----------
    spec:
        Says the method, and for which codes.
    extremes, histogram:
        Of the tensor's values; the latter is ``None`` for the methods of `ONE_PASS`.
    """
    if spec.ranges is RangeMethod.MIN_MAX:
        return extremes.low, extremes.high
    if spec.ranges is RangeMethod.MOVING_AVERAGE:
        assert extremes.average is not None
        return extremes.average
    assert histogram is not None
    if not histogram.counts.any():
        return extremes.low, extremes.high
    if spec.ranges is RangeMethod.PERCENTILE:
        return _percentile(histogram, spec.percentile)
    return _best(spec, histogram, _squared_error if spec.ranges is RangeMethod.MSE else _divergence)


def _percentile(histogram: Histogram, percent: float) -> Range:
    """The range without the bins beyond ``percent`` of the values at either end."""
    reached = np.cumsum(histogram.all_counts)
    total = float(reached[-1])
    upper = int(np.searchsorted(reached, percent / 100 * total))
    lower = int(np.searchsorted(reached, (1 - percent / 100) * total, side="right"))
    edges = histogram.edges
    return float(edges[lower]), float(edges[min(upper, len(edges) - 2) + 1])


def _best(spec: ActivationQuantization, histogram: Histogram, cost: Callable[[Grid, Histogram], float]) -> Range:
    """The candidate of the lowest cost; of equal ones the widest."""
    best, found = np.inf, (histogram.low, histogram.high)
    for low, high in _candidates(spec, histogram):
        value = cost(make_grid(low, high, spec.bits, spec.scheme), histogram)
        if value < best:
            best, found = value, (low, high)
    return found


def _candidates(spec: ActivationQuantization, histogram: Histogram) -> Iterator[Range]:
    """Both ends moved in together and one by one; an end on the wrong side of 0 is 0, and has nowhere to go."""
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    parts = _PARTS[::-1]
    if spec.scheme is Scheme.SYMMETRIC:
        reach = max(-low, high)
        for part in parts:
            yield -part * reach, part * reach
        return
    for upper in parts if high > 0 else parts[:1]:
        for lower in parts if low < 0 else parts[:1]:
            yield float(lower * low), float(upper * high)


def _squared_error(grid: Grid, histogram: Histogram) -> float:
    centers = histogram.centers
    error = grid.rounded(centers) - centers
    return float(np.dot(histogram.counts, error * error))


def _divergence(grid: Grid, histogram: Histogram) -> float:
    """Of the distribution with its tails at the ends of the range, from that which the codes leave of what is inside.

    A code's count is spread evenly over the bins that become it and are not empty.
    """
    codes = (grid.codes(histogram.centers) - grid.low).astype(np.int64)
    lowest, highest = ((code - grid.zero_point) * float(grid.scale) for code in (grid.low, grid.high))
    edges = histogram.edges
    inside = np.flatnonzero((edges[1:] > lowest) & (edges[:-1] < highest))
    if not histogram.counts[inside].any():
        # Everything lies beyond one end.
        return np.inf
    first, last = int(inside[0]), int(inside[-1])
    kept, codes = histogram.counts[first : last + 1].astype(np.float64), codes[first : last + 1]
    reference = kept.copy()
    reference[0] += histogram.counts[:first].sum()
    reference[-1] += histogram.counts[last + 1 :].sum()
    filled = kept > 0
    levels = grid.high - grid.low + 1
    sums = np.bincount(codes, weights=kept, minlength=levels)
    bins = np.bincount(codes, weights=filled, minlength=levels)
    spread = np.where(filled, sums[codes] / np.maximum(bins[codes], 1), 0.0)
    p, q = reference / reference.sum(), spread / max(spread.sum(), 1e-300)
    where = p > 0
    # A bin that the tails alone fill has nothing inside: it costs as if it held almost nothing, not infinitely much.
    return float(np.sum(p[where] * np.log(p[where] / np.maximum(q[where], 1e-9))))
