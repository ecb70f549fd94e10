"""Calibration: samples run through the float network piece by piece, and every tensor's values are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hwq.errors import DataError
from hwq.floating import FloatNetwork, trace
from hwq.floating import layers as real
from hwq.floating.inputs import real_input
from hwq.quantize.ranges import ONE_PASS, Range, find_range
from hwq.quantize.specification import DEFAULT_SAMPLES, Quantization
from hwq.quantize.statistics import Extremes, Histogram

#: Elements, of all tensors together, that one piece of the samples holds at most; and samples.
_PIECE_ELEMENTS = 1 << 24
_PIECE_SAMPLES = 64

Progress = Callable[[int, int], None]


class Steps:
    """Counts what is done of ``total`` steps, and tells ``progress``, which is called with (done, total)."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, count: int) -> None:
        """As many more are done."""
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)


class Samples(Protocol):
    """Inputs of a float network that can be gone through again and again."""

    @property
    def count(self) -> int:
        """How many there are."""

    def pieces(self, size: Callable[[], int]) -> Iterator[NDArray[Any]]:
        """The samples in order, float [n, *input shape], as many at a time as ``size`` says each time."""


@dataclass(frozen=True, eq=False)
class ArraySamples:
    """Samples that are an array [N, *input shape]."""

    x: NDArray[Any]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.x)

    def pieces(self, size: Callable[[], int]) -> Iterator[NDArray[Any]]:
        """The samples in order."""
        begin = 0
        while begin < len(self.x):
            count = size()
            yield self.x[begin : begin + count]
            begin += count


def samples_of(network: FloatNetwork, data: NDArray[Any] | Samples) -> Samples:
    """``data`` as samples; DataError where an array does not fit the network's input."""
    if not isinstance(data, np.ndarray):
        return data
    return ArraySamples(real_input(network, data))


def calibration_count(spec: Quantization, available: int) -> int:
    """How many samples a calibration takes of those there are.

    Raises
    ------
    DataError
        More are asked for, or there are none.
    """
    wanted = spec.calibration.samples
    if available == 0:
        raise DataError("calibration needs samples, and there are none")
    if wanted is not None and wanted > available:
        raise DataError(
            f"quantization.calibration.samples asks for {wanted:,} samples, and the data holds {available:,}"
        )
    return min(DEFAULT_SAMPLES, available) if wanted is None else wanted


def calibrate(
    network: FloatNetwork,
    samples: Samples,
    spec: Quantization,
    widths: Mapping[str, int],
    steps: Steps,
) -> dict[str, Range]:
    """Range of every tensor of ``network`` by its name.

    Parameters
    ----------
    network:
        The network, folded: what it fuses has no range.
    samples:
        The first of them are taken, as many as ``spec`` says.
    spec:
        Method and number of samples.
    widths:
        Bits of every tensor.
    steps:
        Of the way that is reported; each sample of each pass is one.

    Raises
    ------
    DataError
        Too few samples, or some that lead to numbers beyond float32.
    """
    count = calibration_count(spec, samples.count)
    method = spec.activations.ranges
    specs = {name: replace(spec.activations, bits=bits) for name, bits in widths.items()}
    extremes = {name: Extremes(spec.activations.momentum) for name in network.tensors}
    for tensors in _traces(network, samples, count, steps):
        for name, values in tensors.items():
            if not np.isfinite(values).all():
                raise DataError(f"a sample makes tensor {name!r} infinite; calibration needs finite activations")
            extremes[name].add(values)
    if method in ONE_PASS:
        return {name: find_range(specs[name], found, None) for name, found in extremes.items()}
    histograms = {name: Histogram(found.low, found.high) for name, found in extremes.items()}
    for tensors in _traces(network, samples, count, steps):
        for name, values in tensors.items():
            histograms[name].add(values)
    return {name: find_range(specs[name], found, histograms[name]) for name, found in extremes.items()}


def piece_samples(network: FloatNetwork) -> int:
    """Samples that go through ``network`` at a time, so that memory stays bounded."""
    elements = sum(tensor.elements for tensor in network.tensors.values())
    for layer in network.layers:
        if isinstance(layer, real.Conv2D):
            # What it multiplies its weights with is laid out in memory.
            pixels = network.tensors[layer.output].elements // layer.channels
            elements = max(elements, pixels * layer.groups * int(layer.weights[0].size))
    return max(1, min(_PIECE_SAMPLES, _PIECE_ELEMENTS // elements))


def first_samples(network: FloatNetwork, samples: Samples, count: int) -> Iterator[NDArray[Any]]:
    """The first ``count`` samples, piece by piece."""
    size, done = piece_samples(network), 0
    for x in samples.pieces(lambda: size):
        x = x[: count - done]
        yield x
        done += len(x)
        if done == count:
            return


def _traces(
    network: FloatNetwork, samples: Samples, count: int, steps: Steps
) -> Iterator[Mapping[str, NDArray[np.float32]]]:
    """Every tensor of the first ``count`` samples, piece by piece."""
    for x in first_samples(network, samples, count):
        yield trace(network, x)
        steps.add(len(x))
