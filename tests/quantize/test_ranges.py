"""Grids, histograms and the methods that find ranges."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.quantize.grids import code_range, make_grid
from hwq.quantize.ranges import find_range
from hwq.quantize.specification import ActivationQuantization, RangeMethod, Scheme
from hwq.quantize.statistics import BINS, Extremes, Histogram

RNG = np.random.default_rng(20261124)


def seen(x: np.ndarray, momentum: float = 0.9) -> tuple[Extremes, Histogram]:
    """What calibration remembers of samples [N, ...] that came in two pieces."""
    extremes = Extremes(momentum)
    pieces = np.array_split(x, 2)
    for piece in pieces:
        extremes.add(piece)
    histogram = Histogram(extremes.low, extremes.high)
    for piece in pieces:
        histogram.add(piece)
    return extremes, histogram


def found(x: np.ndarray, **options: object) -> tuple[float, float]:
    return find_range(ActivationQuantization(**options), *seen(x))  # type: ignore[arg-type]


@pytest.mark.parametrize("scheme", Scheme)
@pytest.mark.parametrize("bits", range(2, 9))
def test_grids(bits: int, scheme: Scheme) -> None:
    first, last = code_range(bits, scheme)
    assert last - first == 2**bits - (2 if scheme is Scheme.SYMMETRIC else 1)
    for low, high in np.sort(RNG.normal(0, 3, (200, 2)), axis=1):
        grid = make_grid(low, high, bits, scheme)
        # Zero is a number of the grid, and every number of the range has one within half a step (and what the
        # zero-point's own rounding shifts the ends by).
        assert grid.rounded(np.zeros(1)) == 0 and first <= grid.zero_point <= last
        x = np.linspace(min(low, 0), max(high, 0), 99)
        assert np.abs(grid.rounded(x) - x).max() <= grid.scale * 1.001
        if scheme is Scheme.SYMMETRIC:
            assert grid.zero_point == 0
            assert grid.scale == np.float32(np.abs(x).max() / last)


def test_a_tensor_of_zeros_has_a_grid() -> None:
    grid = make_grid(0.0, 0.0, 8, Scheme.ASYMMETRIC)
    assert (grid.scale, grid.zero_point) == (1, 0)
    for method in RangeMethod:
        assert found(np.zeros((3, 5), np.float32), ranges=method) == (0, 0)


def test_histogram_counts_every_value_once() -> None:
    x = RNG.normal(0, 1, (50, 40)).astype(np.float32)
    x[:, :7] = 0
    _, histogram = seen(x)
    assert histogram.zeros == 350 and histogram.counts.sum() == 50 * 33 and histogram.all_counts.sum() == x.size
    below = np.count_nonzero(x < histogram.edges[900])
    assert abs(int(histogram.all_counts[:900].sum()) - below) <= 1


def test_min_max() -> None:
    x = RNG.normal(0, 1, (50, 40)).astype(np.float32)
    assert found(x, ranges=RangeMethod.MIN_MAX) == (x.min(), x.max())


def test_moving_average() -> None:
    x = RNG.normal(0, 1, (50, 4, 10)).astype(np.float32)
    low, high = float(x[0].min()), float(x[0].max())
    for sample in x[1:]:
        low, high = 0.9 * low + (1 - 0.9) * float(sample.min()), 0.9 * high + (1 - 0.9) * float(sample.max())
    assert found(x, ranges=RangeMethod.MOVING_AVERAGE) == (low, high)


@pytest.mark.parametrize("percent", [90.0, 99.0, 99.9])
def test_percentile(percent: float) -> None:
    x = RNG.normal(1, 2, (100, 1000)).astype(np.float32)
    bin_width = float(np.ptp(x)) / BINS
    low, high = found(x, ranges=RangeMethod.PERCENTILE, percentile=percent)
    assert abs(low - np.percentile(x, 100 - percent)) <= 2 * bin_width
    assert abs(high - np.percentile(x, percent)) <= 2 * bin_width


@pytest.mark.parametrize("scheme", Scheme)
@pytest.mark.parametrize("bits", [3, 8])
def test_mse_is_the_best_of_its_candidates_by_brute_force(bits: int, scheme: Scheme) -> None:
    x = RNG.laplace(0.5, 1, (100, 500)).astype(np.float32)
    low, high = found(x, ranges=RangeMethod.MSE, bits=bits, scheme=scheme)

    def error(low: float, high: float) -> float:
        return float(np.mean((make_grid(low, high, bits, scheme).rounded(x) - x) ** 2))

    assert error(low, high) < error(float(x.min()), float(x.max()))
    parts = np.linspace(0.25, 1, 46)
    if scheme is Scheme.SYMMETRIC:
        reach = float(np.abs(x).max())
        best = min(error(-part * reach, part * reach) for part in parts)
    else:
        best = min(error(a * float(x.min()), b * float(x.max())) for a in parts[::5] for b in parts[::5])
    # Errors of bins' centers stand for those of their values.
    assert error(low, high) <= best * 1.01


def test_kl_gives_up_what_almost_nothing_needs() -> None:
    x = RNG.normal(0, 1, (100, 1000)).astype(np.float32)
    assert found(x, ranges=RangeMethod.KL)[1] > 2.5
    x[0, :3] = 12
    low, high = found(x, ranges=RangeMethod.KL)
    assert 2.5 < high < 9 and low < -2.5


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("method", RangeMethod)
def test_values_far_from_zero(method: RangeMethod, sign: int) -> None:
    x = sign * RNG.uniform(40, 50, (20, 100)).astype(np.float32)
    low, high = sorted(abs(end) for end in found(x, ranges=method))
    assert 39 < high <= 50 and (low == 0 or low > 39)


def test_a_relu_has_no_lower_end() -> None:
    x = np.maximum(RNG.normal(0, 1, (100, 100)), 0).astype(np.float32)
    for method in (RangeMethod.MSE, RangeMethod.KL, RangeMethod.MIN_MAX):
        assert found(x, ranges=method)[0] == 0
