"""Moments of every kind of weighted layer, against the outputs that its weights give."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.floating import layers as real
from hwq.floating.execution import compute
from hwq.quantize.moments import Moments
from hwq.quantize.weights import channel_rows

RANDOM = np.random.default_rng(20261124)
WINDOW = {"stride": (2, 1), "dilation": (1, 2), "padding": (1, 0, 2, 1), "activation": None}


def layer(kind: str) -> tuple[real.WeightedLayer, tuple[int, ...]]:
    """A layer whose input is 5 x 6 x 4, and the shape of its output."""
    names = ("layer", ("x",), "y")
    bias = np.zeros(8, np.float32)
    if kind == "dense":
        weights = RANDOM.normal(0, 1, (8, 4)).astype(np.float32)
        return real.Dense(*names, weights=weights, bias=bias, activation=None), (5, 6, 8)
    if kind == "depthwise":
        weights = RANDOM.normal(0, 1, (2, 3, 8)).astype(np.float32)
        return real.DepthwiseConv2D(*names, weights=weights, bias=bias, **WINDOW, depth_multiplier=2), (3, 5, 8)
    groups = int(kind)
    weights = RANDOM.normal(0, 1, (8, 2, 3, 4 // groups)).astype(np.float32)
    return real.Conv2D(*names, weights=weights, bias=bias, **WINDOW, groups=groups), (3, 5, 8)


@pytest.mark.parametrize("kind", ["dense", "depthwise", "1", "2"])
def test_moments_tell_means_and_variances_of_outputs(kind: str) -> None:
    found, shape = layer(kind)
    quantized, exact = RANDOM.normal(1, 2, (2, 7, 5, 6, 4)).astype(np.float32)
    moments = Moments()
    for part in (slice(0, 3), slice(3, 7)):
        moments.add(found, quantized[part], exact[part])
    y, z = (compute(found, [x], shape).reshape(-1, 8).astype(float) for x in (quantized, exact))
    w = channel_rows(found)
    w = w.reshape(len(moments.mean), -1, w.shape[1])

    def outputs(matrix: np.ndarray) -> np.ndarray:
        return np.asarray(np.einsum("srn,snm,srm->sr", w, matrix, w)).reshape(-1)

    for mean, values in ((moments.mean, y), (moments.exact_mean, z)):
        np.testing.assert_allclose(np.einsum("srn,sn->sr", w, mean).reshape(-1), values.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(outputs(moments.covariance), y.var(axis=0), rtol=1e-4)
    both = ((y - y.mean(axis=0)) * (z - z.mean(axis=0))).mean(axis=0)
    np.testing.assert_allclose(outputs(moments.cross_covariance), both, rtol=1e-3, atol=1e-4)
