"""Cross-layer equalization: channels between two layers scaled so that their weights reach equally far in both.

Of f(W1 x) and W2, where f is a rectifier or nothing, row i of W1 and its bias may be divided by s and column i of W2
multiplied by it. With s = sqrt(r1 / r2) of their largest weights r1, r2 both reach sqrt(r1 r2). A scale for a layer,
or for a tensor of activations, then wastes less on channels that are small (Nagel et al. 2019, data-free quantization).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from hwq.floating import layers as real
from hwq.floating.layers import Reals
from hwq.floating.network import FloatNetwork
from hwq.graph.layers import ActivationKind

#: Passes over all pairs at most: layers in the middle belong to two.
_PASSES = 40

#: Changes of scales below this are none.
_ENOUGH = 1e-3


def equalize(network: FloatNetwork) -> FloatNetwork:
    """A network that computes the same, up to rounding in float32, with equalized weights.

    Layers are a pair where the second alone reads what the first gives, each channel of it with weights of its own.
    """
    layers = list(network.layers)
    pairs = _pairs(network)
    for _ in range(_PASSES):
        moved = 0.0
        for first, second in pairs:
            a, b = layers[first], layers[second]
            assert isinstance(a, real.WeightedLayer) and isinstance(b, real.WeightedLayer)
            factors = _factors(a, b)
            moved = max(moved, float(np.abs(np.log(factors)).max()))
            layers[first], layers[second] = _output_scaled(a, np.float32(1) / factors), _input_scaled(b, factors)
        if moved < _ENOUGH:
            break
    return replace(network, layers=tuple(layers))


def _pairs(network: FloatNetwork) -> list[tuple[int, int]]:
    readers = Counter(name for layer in network.layers for name in layer.inputs)
    readers[network.output] += 1
    writers = {layer.output: number for number, layer in enumerate(network.layers)}
    found = []
    for number, layer in enumerate(network.layers):
        source = layer.inputs[0]
        before = network.layers[writers[source]] if source in writers else None
        if (
            isinstance(before, real.WeightedLayer)
            and isinstance(layer, real.WeightedLayer)
            and before.activation in (None, ActivationKind.RELU)
            and readers[source] == 1
            # Not so with groups, with several outputs of an input, and where an image is read flat.
            and layer.weights.shape[_input_axis(layer)] == before.channels
        ):
            found.append((writers[source], number))
    return found


def _input_axis(layer: real.WeightedLayer) -> int:
    """Axis of the weights that counts input channels, where each has weights of its own."""
    return {real.Conv2D: 3, real.DepthwiseConv2D: 2, real.Dense: 1}[type(layer)]


def _factors(first: real.WeightedLayer, second: real.WeightedLayer) -> Reals:
    """sqrt(r1 / r2) of every channel between them, 1 where one of both has no weights."""
    before = np.abs(np.moveaxis(first.weights, first.channel_axis, 0)).reshape(first.channels, -1).max(axis=1)
    after = np.abs(np.moveaxis(second.weights, _input_axis(second), 0)).reshape(first.channels, -1).max(axis=1)
    good = (before > 0) & (after > 0)
    ratio = np.where(good, before, 1).astype(np.float64) / np.where(good, after, 1)
    return np.sqrt(ratio).astype(np.float32)


def _output_scaled(layer: real.WeightedLayer, factors: Reals) -> real.WeightedLayer:
    return replace(layer, weights=_along(layer.weights, factors, layer.channel_axis), bias=layer.bias * factors)


def _input_scaled(layer: real.WeightedLayer, factors: Reals) -> real.WeightedLayer:
    return replace(layer, weights=_along(layer.weights, factors, _input_axis(layer)))


def _along(weights: Reals, factors: Reals, axis: int) -> Reals:
    shape = [1] * weights.ndim
    shape[axis] = -1
    return np.asarray(weights * factors.reshape(shape))
