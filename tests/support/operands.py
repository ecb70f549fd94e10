"""Networks whose weights and codes are narrower than their containers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hwq.graph.checks import check_network
from hwq.graph.layers import Layer, Pad, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import IntFormat


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


def with_codes(network: Network, widths: Sequence[int]) -> Network:
    """``network`` with codes of ``widths`` in turn; where tensors share a quantization, of one width."""
    turn, found = itertools.cycle(widths), dict[tuple[float, int], Quantization]()
    tensors: dict[str, Tensor] = {}
    for name, tensor in network.tensors.items():
        old = tensor.quantization
        key = (float(old.scale[0]), int(old.zero_point[0]))
        if key not in found:
            width = next(turn)
            less = 8 - width
            scale = old.scale * np.float32(2.0**less)
            found[key] = Quantization(IntFormat(width), scale, np.floor(old.zero_point * 2.0**-less).astype(np.int32))
        tensors[name] = replace(tensor, quantization=found[key])

    def narrow(layer: Layer) -> Layer:
        codes = tensors[layer.output].quantization
        less = 8 - codes.format.width
        if isinstance(layer, Pad):
            return replace(layer, value=int(codes.zero_point[0]))
        if hasattr(layer, "clamp"):
            low, high = (math.floor(bound * 2.0**-less) for bound in (layer.clamp[0], layer.clamp[1] + 1))
            return replace(layer, clamp=(low, high - 1))
        return layer

    narrowed_network = Network(network.name, tensors, tuple(map(narrow, network.layers)), network.input, network.output)
    check_network(narrowed_network)
    return narrowed_network


def asymmetric(network: Network, seed: int, width: int = 8) -> Network:
    """``network`` with weights of ``width`` bits drawn anew and a zero-point for each scale, most of them not 0."""
    rng = np.random.default_rng(seed)
    low, high = -(1 << width - 1), (1 << width - 1) - 1
    kind = np.int8 if width <= 8 else np.int16

    def drawn(layer: Layer) -> Layer:
        if not isinstance(layer, WeightedLayer):
            return layer
        old = layer.weight_quantization
        # Values of 16 bits at most, and sums far below 32.
        zero = rng.integers(low // 4, high // 4 + 1, old.zero_point.shape).astype(np.int32)
        codes = rng.integers(low // 2, high // 2 + 1, layer.weights.shape).astype(kind)
        scale = (old.scale * np.float32(2.0 ** (8 - width))).astype(np.float32)
        return replace(layer, weights=codes, weight_quantization=Quantization(IntFormat(width), scale, zero, old.axis))

    made = Network(network.name, network.tensors, tuple(map(drawn, network.layers)), network.input, network.output)
    check_network(made)
    return made
