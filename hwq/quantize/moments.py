"""What calibration remembers of a layer's input for its weights: how its elements vary together.

With X the rows that a layer's weights are multiplied by, one for each output pixel of each sample: X as the quantized
layers before make it, F as the float network does. Weights that are wrong by E then make outputs wrong by E X, and the
mean square of that, without its mean, is E H E' with H the covariance of X.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.floating import layers as real
from hwq.floating.execution import columns, taps
from hwq.floating.layers import Reals

Matrix = NDArray[np.float64]


class Moments:
    """Means and covariances of the rows of one layer, [sets, n] and [sets, n, n].

    Output channels that see the same rows form a set: all of a dense layer or a convolution, those of one group, or
    each of a depthwise convolution. n is the weights of a channel.
    """

    def __init__(self) -> None:
        self._count = 0
        self._sums: list[Any] = [0.0, 0.0]
        self._products: list[Any] = [0.0, 0.0]

    def add(self, layer: real.WeightedLayer, quantized: Reals, exact: Reals) -> None:
        """Take samples [N, *input shape] of the layer's input, as quantized layers and as the float network make it."""
        x, f = (_rows(layer, values).astype(np.float64) for values in (quantized, exact))
        self._count += x.shape[1]
        for place, values in enumerate((x, f)):
            self._sums[place] = self._sums[place] + values.sum(axis=1)
            self._products[place] = self._products[place] + values.transpose(0, 2, 1) @ x

    @property
    def mean(self) -> Matrix:
        """Of X."""
        return np.asarray(self._sums[0] / self._count)

    @property
    def exact_mean(self) -> Matrix:
        """Of F."""
        return np.asarray(self._sums[1] / self._count)

    @property
    def covariance(self) -> Matrix:
        """H, of X."""
        return self._centered(0)

    @property
    def cross_covariance(self) -> Matrix:
        """Of F, along the rows, with X, along the columns."""
        return self._centered(1)

    def _centered(self, place: int) -> Matrix:
        left, right = self._sums[place] / self._count, self.mean
        return np.asarray(self._products[place] / self._count - left[:, :, None] * right[:, None, :])


def _rows(layer: real.WeightedLayer, x: Reals) -> Reals:
    """What the weights of each set are multiplied by, [sets, rows, n]."""
    if isinstance(layer, real.Conv2D):
        return columns(layer, x)
    if isinstance(layer, real.DepthwiseConv2D):
        view = taps(layer, x)
        return np.ascontiguousarray(view.transpose(3, 0, 1, 2, 4, 5)).reshape(
            view.shape[3], -1, layer.weights[..., 0].size
        )
    return x.reshape(1, -1, layer.weights.shape[1])
