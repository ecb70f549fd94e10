"""Inputs of a layer alone, to tell contracts apart that agree on all that the network's own samples make of it."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Activation, Add, Layer, Requantize
from hwq.graph.network import Network
from hwq.numeric.formats import IntFormat

Codes = NDArray[np.integer]

#: Most random inputs of one layer, most codes of all of them in its largest tensor, and those of one batch.
_MOST_PROBES = 1 << 16
_MOST_VALUES = 1 << 22
_BATCH_CODES = 1 << 19


def is_exhaustive(network: Network, layer: Layer) -> bool:
    """Whether `probes` has every input there is: the layer is a function of one code, or of two in the same place."""
    if isinstance(layer, Add):
        return len({network.tensors[name].shape for name in layer.inputs}) == 1
    return isinstance(layer, Activation | Requantize)


def probes(network: Network, layer: Layer, seed: int) -> Iterator[tuple[Codes, ...]]:
    """Batches of inputs [N, *shape] of one layer.

    Every code, or every pair of codes, where that is every input there is; otherwise random ones in the range of the
    tensors' formats. Every second sample keeps to a random part of that range: sums of codes from all of it lie close
    together, and most of a layer's output codes would never be met.

    Parameters
    ----------
    network, layer:
        The layer, and where it is.
    seed:
        Of the random ones; each layer has its own from it.
    """
    tensors = [network.tensors[name] for name in layer.inputs]
    if is_exhaustive(network, layer):
        first, *second = [
            np.arange(tensor.quantization.format.min, tensor.quantization.format.max + 1) for tensor in tensors
        ]
        columns = [grid.reshape(-1) for grid in np.meshgrid(first, *second, indexing="ij")]
        step = max(1, _BATCH_CODES // tensors[0].elements) * tensors[0].elements
        for start in range(0, len(columns[0]), step):
            parts = [column[start : start + step] for column in columns]
            count = math.ceil(len(parts[0]) / tensors[0].elements)
            yield tuple(
                np.resize(part, (count, *tensor.shape)).astype(tensor.quantization.format.dtype)
                for part, tensor in zip(parts, tensors, strict=True)
            )
        return
    random = np.random.default_rng([seed, zlib.crc32(layer.name.encode())])
    largest = max(tensor.elements for tensor in (*tensors, network.tensors[layer.output]))
    left = max(1, min(_MOST_PROBES, _MOST_VALUES // largest))
    most = max(1, _BATCH_CODES // largest)
    # A few first: they are enough as a rule.
    size = min(8, most)
    while left:
        count = min(size, left)
        yield tuple(_random_codes(random, count, tensor.shape, tensor.quantization.format) for tensor in tensors)
        left -= count
        size = min(4 * size, most)


def _random_codes(random: np.random.Generator, count: int, shape: tuple[int, ...], codes: IntFormat) -> Codes:
    bounds = np.sort(random.integers(codes.min, codes.max, (2, count), endpoint=True), axis=0)
    bounds[:, ::2] = [[codes.min], [codes.max]]
    low, high = bounds.reshape(2, count, *[1] * len(shape))
    return random.integers(low, high, (count, *shape), endpoint=True).astype(codes.dtype)
