"""Inputs of a layer alone, to tell contracts apart that agree on all that the network's own samples make of it."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Activation, Add, Layer, Requantize, Softmax
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from hwq.numeric.formats import IntFormat

Codes = NDArray[np.integer]

#: Most random inputs of one layer, most codes of all of them in its largest tensor, and those of one batch.
_MOST_PROBES = 1 << 16
_MOST_VALUES = 1 << 22
_BATCH_CODES = 1 << 19


def is_exhaustive(network: Network, layer: Layer) -> bool:
    """Whether `probes` has every input there is: it depends on one code, on two in the same place, or has but two."""
    if isinstance(layer, Add):
        return len({network.tensors[name].shape for name in layer.inputs}) == 1
    if isinstance(layer, Softmax):
        return network.tensors[layer.inputs[0]].shape[-1] <= 2
    return isinstance(layer, Activation | Requantize)


def probes(network: Network, layer: Layer, seed: int) -> Iterator[tuple[Codes, ...]]:
    """Batches of inputs [N, *shape] of one layer.

    Every code or every pair of codes, where that is every input there is; otherwise random ones in the range of the
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
        yield from _every(tensors, tensors[0].shape[-1] if isinstance(layer, Softmax) else 1)
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


def _every(tensors: Sequence[Tensor], row: int) -> Iterator[tuple[Codes, ...]]:
    """Every combination of codes that ``row`` neighbors of each tensor can have, packed into few samples."""
    ranges = [np.arange(codes.min, codes.max + 1) for tensor in tensors for codes in [tensor.quantization.format] * row]
    grid = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(tensors), row)
    elements = tensors[0].elements
    step = max(1, _BATCH_CODES // elements) * elements // row
    for start in range(0, len(grid), step):
        part = grid[start : start + step]
        count = math.ceil(len(part) * row / elements)
        yield tuple(
            np.resize(part[:, index], (count, *tensor.shape)).astype(tensor.quantization.format.dtype)
            for index, tensor in enumerate(tensors)
        )


def _random_codes(random: np.random.Generator, count: int, shape: tuple[int, ...], codes: IntFormat) -> Codes:
    bounds = np.sort(random.integers(codes.min, codes.max, (2, count), endpoint=True), axis=0)
    bounds[:, ::2] = [[codes.min], [codes.max]]
    low, high = bounds.reshape(2, count, *[1] * len(shape))
    return random.integers(low, high, (count, *shape), endpoint=True).astype(codes.dtype)
