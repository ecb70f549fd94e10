"""Which integers the weights of a channel may be: evenly spaced ones, powers of two, or those of a codebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hwq.numeric.formats import INT8, IntFormat
from hwq.quantize.moments import Matrix
from hwq.quantize.specification import WeightQuantization, WeightValues

#: Rounds of the search for a codebook at most.
_ROUNDS = 50


class Levels(Protocol):
    """What weights may be, in steps of a channel's scale."""

    @property
    def highest(self) -> int:
        """What the largest weight becomes where nothing is given up."""

    def nearest(self, x: Matrix) -> Matrix:
        """The nearest of them to each element of ``x``, [sets, channels, any number]."""


@dataclass(frozen=True)
class EvenLevels:
    """Every integer from ``low`` to ``high``."""

    low: int
    high: int

    @property
    def highest(self) -> int:
        """The last."""
        return self.high

    def nearest(self, x: Matrix) -> Matrix:
        """Rounded, halves to even, and saturated."""
        return np.asarray(np.clip(np.rint(x), self.low, self.high))


@dataclass(frozen=True, eq=False)
class ListedLevels:
    """The integers ``values``, ascending along the last axis, [sets or 1, channels or 1, count]."""

    values: Matrix
    highest: int

    def nearest(self, x: Matrix) -> Matrix:
        """Of two that are equally near the lower."""
        values = np.broadcast_to(self.values, (*x.shape[:2], self.values.shape[2]))
        return np.asarray(np.take_along_axis(values, _index(values, x), axis=2))


def channel_reach(weights: Matrix, *, shared: bool) -> Matrix:
    """Largest magnitude of each channel's weights [sets, channels, n], or where they are ``shared`` of all of them."""
    reach = np.abs(weights).max(axis=2)
    return np.full_like(reach, reach.max()) if shared else np.asarray(reach)


def weight_levels(spec: WeightQuantization, weights: Matrix, reach: Matrix, importance: Matrix) -> Levels:
    """What the weights of a layer may be.

    Parameters
    ----------
    spec:
        How many values, and of which kind.
    weights:
        Those that a codebook is made for, [sets, channels, n].
    reach:
        From `channel_reach`: what the largest value of a codebook stands for.
    importance:
        What a squared error of each weight counts, [sets, n].
    """
    if spec.values is WeightValues.UNIFORM:
        return EvenLevels(*code_range(spec.bits))
    if spec.values is WeightValues.POWER_OF_TWO:
        powers = 2.0 ** np.arange((1 << (spec.bits - 1)) - 1)
        return ListedLevels(np.concatenate([-powers[::-1], [0.0], powers])[None, None], int(powers[-1]))
    steps = weights / np.where(reach > 0, reach, 1.0)[..., None] * INT8.max
    return ListedLevels(np.rint(_codebooks(steps, importance, 1 << spec.bits)), INT8.max)


def code_range(bits: int) -> tuple[int, int]:
    """Lowest and highest code of weights; those of 8 bits leave out the lowest, as other programs' kernels demand."""
    codes = IntFormat(bits)
    return (-codes.max if bits == INT8.width else codes.min), codes.max


def _codebooks(weights: Matrix, importance: Matrix, entries: int) -> Matrix:
    """k-means of every channel, [sets, channels, entries], ascending; where they are enough each weight has its own."""
    channels, shape = weights.reshape(-1, weights.shape[2]), (*weights.shape[:2], entries)
    if channels.shape[1] <= entries:
        missing = entries - channels.shape[1]
        return np.pad(np.sort(channels, axis=1), ((0, 0), (0, missing)), mode="edge").reshape(shape)
    counts = np.repeat(np.maximum(importance, 1e-12 * importance.max(initial=1e-300)), weights.shape[1], axis=0)
    # Begun where the weights lie: an entry for each equal part of them.
    book = np.quantile(channels, (np.arange(entries) + 0.5) / entries, axis=1).T[:, None, :]
    rows = np.arange(len(channels))[:, None] * entries
    for _ in range(_ROUNDS):
        place = (rows + _index(book, channels[:, None, :])[:, 0]).reshape(-1)
        size, total = (
            np.bincount(place, values.reshape(-1), len(channels) * entries) for values in (counts, counts * channels)
        )
        moved = np.where(size > 0, total / np.where(size > 0, size, 1.0), book.reshape(-1)).reshape(book.shape)
        if np.array_equal(moved, book):
            break
        book = moved
    return np.sort(book, axis=2).reshape(shape)


def _index(values: Matrix, x: Matrix) -> NDArray[Any]:
    """Number of the nearest of ``values`` [.., .., count] to each element of ``x`` [.., .., any number]."""
    middles = (values[..., 1:] + values[..., :-1]) / 2
    index = np.zeros(x.shape, np.int64)
    for number in range(middles.shape[2]):
        index += x > middles[..., number : number + 1]
    return index
