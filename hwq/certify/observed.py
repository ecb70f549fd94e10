"""The lowest and highest sums that samples lead to, exact and in the order of the schedule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.certify.reach import Reach
from hwq.certify.terms import Integers, Terms
from hwq.numeric.accumulation import Granularity
from hwq.numeric.bounds import magnitude_bound

#: Sums that are computed together, to stay in cache.
_SUMS = 1 << 16

#: Whole numbers up to which float32 and float64 are exact.
_FLOAT32, _FLOAT64 = 1 << 24, 1 << 53


class Observer:
    """Sums of one layer, over all samples it is given."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        spec, count = terms.how.accumulation, len(terms.weights)
        self._every = spec.granularity is Granularity.MAC
        start = terms.exact_start
        self._accumulators = start.copy(), start.copy()
        limits = np.iinfo(np.int64)
        self._psums = np.full(count, limits.max), np.full(count, limits.min)
        # Products of floats are fastest, and exact while no sum of any of them can leave the whole numbers they hold.
        most = int(np.max(magnitude_bound(terms.weights, *terms.operands) + np.abs(start)))
        exact = most <= _FLOAT64 and not spec.truncate
        self._kind = np.dtype((np.float32 if most <= _FLOAT32 else np.float64) if exact else np.int64)
        self._seen = False

    @property
    def accumulators(self) -> Reach | None:
        """Of the accumulators, with what they begin with; ``None`` before the first sample."""
        return Reach(*self._accumulators, self._terms.how.accumulation) if self._seen else None

    @property
    def psums(self) -> Reach | None:
        """Of the sums of passes; ``None`` before the first sample, and where there are none."""
        return Reach(*self._psums, self._terms.how.accumulation) if self._seen and not self._every else None

    def add(self, codes: NDArray[np.integer]) -> None:
        """Take notice of inputs [N, *shape] of the layer."""
        self._seen = self._seen or len(codes) > 0
        for group, convolution in enumerate(self._terms.groups):
            channels = slice(group * convolution.channels_out, (group + 1) * convolution.channels_out)
            weights = self._terms.weights[channels].astype(self._kind)
            start = self._terms.exact_start[channels, None].astype(self._kind)
            for operands in self._operands(codes, group):
                self._sums(operands, weights, start, channels)

    def _operands(self, codes: NDArray[np.integer], group: int) -> Iterator[NDArray[Any]]:
        """Operands [n, outputs] of a group, as many at a time as stay in cache."""
        c, terms = self._terms.groups[group], self._terms
        offset = terms.zero_point if terms.how.subtracted else 0
        image = codes.reshape(len(codes), *c.input_size, c.pixel_elements)
        image = image[..., c.first_channel : c.first_channel + c.channels_in].astype(self._kind) - offset
        spans = [
            (c.output_size[axis] - 1) * c.stride[axis] + (c.kernel[axis] - 1) * c.dilation[axis] + 1 for axis in (0, 1)
        ]
        pads = [(-c.start[axis], max(0, spans[axis] + c.start[axis] - c.input_size[axis])) for axis in (0, 1)]
        image = np.pad(image, ((0, 0), *pads, (0, 0)), constant_values=terms.padding)
        windows = np.lib.stride_tricks.sliding_window_view(
            image, tuple((c.kernel[axis] - 1) * c.dilation[axis] + 1 for axis in (0, 1)), axis=(1, 2)
        )
        windows = windows[:, :: c.stride[0], :: c.stride[1], :, :: c.dilation[0], :: c.dilation[1]]
        windows = windows[:, : c.output_size[0], : c.output_size[1]].transpose(4, 5, 3, 0, 1, 2)
        size = c.weights[0].size
        rows = max(1, _SUMS // (c.output_size[1] * max(c.channels_out, size)))
        samples = max(1, rows // c.output_size[0])
        for begin in range(0, len(codes), samples):
            for first in range(0, c.output_size[0], rows):
                yield windows[..., begin : begin + samples, first : first + rows, :].reshape(size, -1)

    def _sums(self, operands: NDArray[Any], weights: NDArray[Any], start: NDArray[Any], channels: slice) -> None:
        totals = np.repeat(start, operands.shape[1], axis=1)
        begin = 0
        for length in self._terms.how.passes:
            steps = range(begin, begin + length)
            begin += length
            if self._every or self._kind.kind == "i":
                psum = np.zeros_like(totals)
                for k in steps:
                    products = weights[:, k, None] * operands[k]
                    if self._kind.kind == "i":
                        products = self._terms.added(products)
                    if self._every:
                        totals += products
                        _widen(self._accumulators, totals, channels)
                    else:
                        psum += products
            else:
                psum = weights[:, steps.start : steps.stop] @ operands[steps.start : steps.stop]
            if not self._every:
                _widen(self._psums, psum, channels)
                totals += psum
                _widen(self._accumulators, totals, channels)


def _widen(ends: tuple[Integers, Integers], sums: NDArray[Any], channels: slice) -> None:
    low, high = (part[channels] for part in ends)
    np.minimum(low, sums.min(axis=1).astype(np.int64), out=low)
    np.maximum(high, sums.max(axis=1).astype(np.int64), out=high)
