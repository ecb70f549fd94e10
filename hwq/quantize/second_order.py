"""Weights as codes that keep a layer's outputs, not the weights: rounding by how the inputs vary together.

Of weights W [sets, channels, n] and the covariance H of their inputs [sets, n, n] (`hwq.quantize.moments`), codes Q and
scales s of the channels are sought for which (s Q - W) H (s Q - W)' is small: a scale is searched, columns are rounded
one by one with each error carried on to the columns that follow (GPTQ), and codes and scale are then improved in
turns until no code changes. Before that W is replaced by the weights that best repair what the quantization of the
layers before has done to the inputs.
"""

from __future__ import annotations

import numpy as np

from hwq.quantize.levels import Levels, channel_reach, weight_levels
from hwq.quantize.moments import Matrix, Moments
from hwq.quantize.specification import Granularity, WeightQuantization

#: Parts of the diagonal's mean that are added to it: of the repair, and of the rounding.
_REPAIR_DAMPING, _ROUNDING_DAMPING = 0.02, 0.01

#: Scales that are tried, as parts of the one whose codes reach the largest weight; fewer bits give up more.
_SCALES = 70
_SMALLEST_PART, _SMALLEST_PART_OF_2_BITS = 0.3, 0.2

#: Turns of codes and scale, and passes over all columns in a turn at most.
_TURNS, _PASSES = 3, 8


def round_weights(weights: Matrix, moments: Moments, spec: WeightQuantization, floor: Matrix) -> tuple[Matrix, Matrix]:
    """Codes and scales of a layer's weights.

    Parameters
    ----------
    weights:
        [channels, n].
    moments:
        Of the layer's input.
    spec:
        Which codes there are, and what shares a scale.
    floor:
        Smallest scale of each channel, [channels]; above 0.

    Returns
    -------
    Codes [channels, n] and scales [channels].
    """
    h = moments.covariance
    w = weights.reshape(len(h), -1, weights.shape[1])
    shared, repaired = spec.granularity is Granularity.TENSOR, _repaired(w, moments)
    reach = channel_reach(repaired, shared=shared)
    levels = weight_levels(spec, repaired, reach, np.diagonal(h, axis1=1, axis2=2))
    problem = _Problem(repaired, h, levels, floor.reshape(w.shape[:2]), shared)
    scales = problem.searched_scales()
    q = problem.carried(scales)
    for _ in range(_TURNS):
        q = problem.descended(q, scales)
        scales = problem.best_scales(q, scales)
    return q.reshape(weights.shape), scales.reshape(-1)


def corrected_bias(bias: Matrix, weights: Matrix, values: Matrix, moments: Moments) -> Matrix:
    """``bias`` and what keeps the mean of each output: [channels], of weights and the ``values`` that replace them."""
    sets = len(moments.mean)

    def means(w: Matrix, x: Matrix) -> Matrix:
        return np.asarray(w.reshape(sets, -1, w.shape[1]) @ x[:, :, None]).reshape(-1)

    return np.asarray(bias + means(weights, moments.exact_mean) - means(values, moments.mean))


def _repaired(w: Matrix, moments: Moments) -> Matrix:
    """Least squares: the weights whose products with X are nearest to those of ``w`` with F."""
    h = moments.covariance
    change = w @ (moments.cross_covariance - h)
    # Solving for the transposed, for both sides of the damped H are alike.
    solved = np.linalg.solve(_damped(h, _REPAIR_DAMPING), change.transpose(0, 2, 1))
    return np.asarray(w + solved.transpose(0, 2, 1))


def _damped(h: Matrix, part: float) -> Matrix:
    mean = np.trace(h, axis1=1, axis2=2) / h.shape[1]
    # Inputs that never vary constrain nothing; any positive number makes the matrix one that can be inverted.
    return np.asarray(h + np.where(mean > 0, part * mean, 1.0)[:, None, None] * np.eye(h.shape[1]))


class _Problem:
    def __init__(self, w: Matrix, h: Matrix, levels: Levels, floor: Matrix, shared: bool) -> None:
        self._w, self._h, self._levels, self._shared = w, h, levels, shared
        self._floor = np.full_like(floor, floor.max()) if shared else floor

    def searched_scales(self) -> Matrix:
        """Of the candidates for each channel the one whose rounded weights cost least, [sets, channels]."""
        reach, highest = channel_reach(self._w, shared=self._shared), self._levels.highest
        smallest = _SMALLEST_PART_OF_2_BITS if highest == 1 else _SMALLEST_PART
        best, found = np.full(reach.shape, np.inf), self._floor
        for part in np.linspace(1.0, smallest, _SCALES):
            scales = np.maximum(part * reach / highest, self._floor)
            error = scales[..., None] * self._rounded(self._w, scales) - self._w
            cost = np.einsum("srn,srn->sr", error @ self._h, error)
            if self._shared:
                cost = np.full_like(cost, cost.sum())
            found = np.where(cost < best, scales, found)
            best = np.minimum(best, cost)
        return found

    def carried(self, scales: Matrix) -> Matrix:
        """Codes of column after column, those of the largest variance first, each error spread over those to come."""
        h, sets = self._h, np.arange(len(self._h))[:, None]
        order = np.argsort(-np.diagonal(h, axis1=1, axis2=2), axis=1, kind="stable")
        w = np.take_along_axis(self._w, order[:, None, :], axis=2)
        damped = _damped(h, _ROUNDING_DAMPING)[sets[..., None], order[:, :, None], order[:, None, :]]
        spread = np.linalg.cholesky(np.linalg.inv(damped)).transpose(0, 2, 1)
        q = np.empty_like(w)
        for k in range(w.shape[2]):
            q[..., k] = self._rounded(w[..., k : k + 1], scales)[..., 0]
            error = (w[..., k] - scales * q[..., k]) / spread[:, None, k, k]
            w[..., k + 1 :] -= error[..., None] * spread[:, None, k, k + 1 :]
        return np.asarray(np.take_along_axis(q, np.argsort(order, axis=1, kind="stable")[:, None, :], axis=2))

    def descended(self, q: Matrix, scales: Matrix) -> Matrix:
        """``q`` with code after code replaced by the one that costs least while the others stay, until none changes."""
        q = q.copy()
        diagonal = np.diagonal(self._h, axis1=1, axis2=2)
        steps = scales[..., None] * np.where(diagonal > 0, diagonal, np.inf)[:, None, :]
        for _ in range(_PASSES):
            # Computed anew in every pass, so that rounding errors of the updates do not pile up.
            slope = (scales[..., None] * q - self._w) @ self._h
            changed = False
            for k in range(q.shape[2]):
                best = q[..., k : k + 1] - slope[..., k : k + 1] / steps[..., k : k + 1]
                wanted = self._levels.nearest(best)[..., 0]
                change = wanted - q[..., k]
                if change.any():
                    q[..., k] = wanted
                    slope += (scales * change)[..., None] * self._h[:, None, k, :]
                    changed = True
            if not changed:
                break
        return q

    def best_scales(self, q: Matrix, scales: Matrix) -> Matrix:
        """For these codes the scales that cost least."""
        product = q @ self._h
        above, below = (np.einsum("srn,srn->sr", product, values) for values in (self._w, q))
        if self._shared:
            above, below = (np.full_like(part, part.sum()) for part in (above, below))
        good = (above > 0) & (below > 0)
        return np.asarray(np.where(good, np.maximum(above / np.where(good, below, 1.0), self._floor), scales))

    def _rounded(self, w: Matrix, scales: Matrix) -> Matrix:
        return self._levels.nearest(w / scales[..., None])
