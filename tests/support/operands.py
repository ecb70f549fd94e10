"""Networks whose weights are narrower than their containers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hwq.graph.layers import WeightedLayer
from hwq.graph.network import Network


def narrowed(network: Network, widths: Sequence[int], seed: int) -> Network:
    """``network`` with weights of ``widths``, layer by layer in turn, drawn anew; those of 1 bit are -1 and 1."""
    turn, rng = itertools.cycle(widths), np.random.default_rng(seed)

    def drawn(width: int, shape: tuple[int, ...]) -> np.ndarray:
        if width == 1:
            return (2 * rng.integers(0, 2, shape) - 1).astype(np.int8)
        codes = rng.integers(-(1 << width - 1), 1 << width - 1, shape)
        # The extremes are there, so that the layer needs all of its bits.
        codes.reshape(-1)[0] = -(1 << width - 1)
        return codes.astype(np.int8)

    layers = tuple(
        replace(layer, weights=drawn(next(turn), layer.weights.shape)) if isinstance(layer, WeightedLayer) else layer
        for layer in network.layers
    )
    return Network(network.name, network.tensors, layers, network.input, network.output)
