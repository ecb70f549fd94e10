"""Rounding by the covariance of the inputs, each step against what defines it."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.floating import layers as real
from hwq.quantize.levels import EvenLevels
from hwq.quantize.moments import Moments
from hwq.quantize.second_order import _Problem, _repaired, corrected_bias, round_weights
from hwq.quantize.specification import WeightQuantization

SEED = 20261124


def dense(channels: int, n: int) -> real.Dense:
    random = np.random.default_rng(SEED)
    weights, bias = random.normal(0, 1, (channels, n)), random.normal(0, 1, channels)
    return real.Dense(
        "dense", ("x",), "y", weights=weights.astype(np.float32), bias=bias.astype(np.float32), activation=None
    )


def inputs(n: int, rows: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Rows with means of their own that vary together, and such with noise, float32 [rows, n] each."""
    random = np.random.default_rng(SEED + 1)
    exact = random.normal(0, 1, (rows, n)) @ random.normal(0, 1, (n, n)) + random.normal(0, 3, n)
    noisy = exact + random.normal(0, 0.3, exact.shape) + random.normal(0, 0.3, n)
    return noisy.astype(np.float32), exact.astype(np.float32)


def seen(layer: real.WeightedLayer, quantized: np.ndarray, exact: np.ndarray) -> Moments:
    """Of the samples in two pieces."""
    moments = Moments()
    for part in np.array_split(np.arange(len(exact)), 2):
        moments.add(layer, quantized[part], exact[part])
    return moments


def problem(bits: int, *, shared: bool = False, sets: int = 2) -> _Problem:
    random = np.random.default_rng(SEED + bits)
    root = random.normal(0, 1, (sets, 9, 9))
    h = root @ root.transpose(0, 2, 1)
    floor = np.full((sets, 5), 1e-9)
    levels = EvenLevels(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return _Problem(random.normal(0, 1, (sets, 5, 9)), h, levels, floor, shared)


def costs(found: _Problem, q: np.ndarray, scales: np.ndarray) -> np.ndarray:
    error = scales[..., None] * q - found._w
    return np.asarray(np.einsum("srn,snm,srm->sr", error, found._h, error))


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("bits", [2, 3, 4])
def test_the_scale_is_the_best_of_its_candidates(bits: int, shared: bool) -> None:
    found = problem(bits, shared=shared)
    scales = found.searched_scales()
    reach = np.abs(found._w).max(axis=2)
    reach = np.full_like(reach, reach.max()) if shared else reach
    parts = np.linspace(0.2 if bits == 2 else 0.3, 1, 70)
    each = [
        costs(found, found._rounded(found._w, s), s) for s in (part * reach / found._levels.highest for part in parts)
    ]
    best = min(cost.sum() for cost in each) if shared else np.min(each, axis=0)
    cost = costs(found, found._rounded(found._w, scales), scales)
    np.testing.assert_allclose(cost.sum() if shared else cost, best)
    assert len(np.unique(scales)) == (1 if shared else scales.size)


def test_inputs_that_do_not_vary_together_leave_the_nearest_codes() -> None:
    found = problem(3)
    found._h = np.stack([np.diag(np.arange(1.0, 10)), np.diag(np.arange(9.0, 0, -1))])
    scales = found.searched_scales()
    q = found.carried(scales)
    assert (q == found._rounded(found._w, scales)).all() and (found.descended(q, scales) == q).all()


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_carried_errors_are_those_that_the_columns_to_come_make_up_for_best(bits: int) -> None:
    """Against the definition: after each column the others become what costs least with the codes so far."""
    found = problem(bits, sets=1)
    scales = found.searched_scales()
    h = found._h[0] + 0.01 * np.trace(found._h[0]) / 9 * np.eye(9)
    expected = np.empty((5, 9))
    for row, (w, scale) in enumerate(zip(found._w[0], scales[0], strict=True)):
        current, left = w.copy(), list(np.argsort(-np.diag(found._h[0]), kind="stable"))
        while left:
            k = left.pop(0)
            expected[row, k] = np.clip(np.rint(current[k] / scale), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            error = scale * expected[row, k] - current[k]
            current[left] -= error * np.linalg.solve(h[np.ix_(left, left)], h[left, k])
    assert (found.carried(scales)[0] == expected).all()


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_no_single_code_can_be_improved(bits: int) -> None:
    found = problem(bits)
    scales = found.searched_scales()
    nearest = found._rounded(found._w, scales)
    q = found.descended(nearest, scales)
    least = costs(found, q, scales)
    assert (least <= costs(found, nearest, scales)).all() and (least < costs(found, nearest, scales)).any()
    for k in range(9):
        for step in (-1, 1):
            other = q.copy()
            other[..., k] = np.clip(other[..., k] + step, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            assert (costs(found, other, scales) >= least).all()


@pytest.mark.parametrize("shared", [False, True])
def test_no_other_scale_suits_the_codes_better(shared: bool) -> None:
    found = problem(3, shared=shared)
    before = found.searched_scales()
    q = found.carried(before)
    scales = found.best_scales(q, before)
    assert len(np.unique(scales)) == (1 if shared else scales.size)
    for factor in (0.999, 1.001):
        worse, least = costs(found, q, scales * factor), costs(found, q, scales)
        assert (worse.sum() > least.sum()) if shared else (worse > least).all()


def test_weights_repair_what_happened_to_the_inputs() -> None:
    """Least squares, damped, between centered rows."""
    layer = dense(4, 6)
    noisy, exact = inputs(6)
    found = _repaired(layer.weights.astype(float)[None], seen(layer, noisy, exact))[0]
    x, f = (rows.astype(float) - rows.mean(axis=0, dtype=float) for rows in (noisy, exact))
    h, damping = x.T @ x / len(x), 0.02 * np.trace(x.T @ x / len(x)) / 6 * np.eye(6)
    wanted = layer.weights @ (f.T @ x / len(x) + damping) @ np.linalg.inv(h + damping)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert np.abs(wanted - layer.weights).max() > 0.05


def test_the_corrected_bias_keeps_the_means() -> None:
    layer = dense(4, 6)
    noisy, exact = inputs(6)
    values = np.rint(layer.weights.astype(float))
    bias = corrected_bias(layer.bias.astype(float), layer.weights.astype(float), values, seen(layer, noisy, exact))
    expected = (exact.astype(float) @ layer.weights.T + layer.bias).mean(axis=0)
    np.testing.assert_allclose((noisy.astype(float) @ values.T + bias).mean(axis=0), expected)


def test_channels_without_weights_and_inputs_that_never_vary() -> None:
    weights = dense(3, 6).weights.copy()
    weights[1] = 0
    layer = real.Dense("dense", ("x",), "y", weights=weights, bias=np.zeros(3, np.float32), activation=None)
    noisy, exact = inputs(6)
    noisy[:, 2] = exact[:, 2] = 0
    for x, f in ((noisy, exact), (np.ones_like(noisy), np.ones_like(exact))):
        codes, scales = round_weights(weights.astype(float), seen(layer, x, f), WeightQuantization(4), np.full(3, 1e-9))
        assert np.isfinite(scales).all() and (scales >= 1e-9).all()
        assert not codes[1].any() and codes[0].any() and codes.min() >= -8 and codes.max() <= 7
