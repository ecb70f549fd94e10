"""Folding: batch normalization, activations and constant factors go into the layer before them.

The folded network computes the same function (up to float32 rounding) with fewer layers, each of which the quantized
network has too. What no layer before takes becomes a depthwise convolution of one tap where its input is an image.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from hwq.floating import layers as real
from hwq.floating.network import FloatNetwork
from hwq.graph.layers import Activation, Layer

_Linear = real.WeightedLayer | real.Affine
#: Layers that an activation can be fused to.
_FUSING = (real.WeightedLayer, real.Affine, real.Add, real.Pool2D)


def fold(network: FloatNetwork) -> FloatNetwork:
    """``network`` with every affine layer and clamp that follows a layer of constants folded into it.

    A layer is folded into the one before it only where nothing else reads what lies between.
    """
    readers = Counter(name for layer in network.layers for name in layer.inputs)
    readers[network.output] += 1
    layers: list[Layer] = []
    writer: dict[str, int] = {}
    for layer in network.layers:
        place = writer.get(layer.inputs[0]) if readers[layer.inputs[0]] == 1 else None
        joined = None if place is None else _joined(layers[place], layer)
        if joined is None or place is None:
            writer[layer.output] = len(layers)
            layers.append(layer)
        else:
            layers[place] = joined
            writer[layer.output] = place
    layers = [_depthwise(layer, network) for layer in layers]
    used = {network.input, *(layer.output for layer in layers)}
    tensors = {name: tensor for name, tensor in network.tensors.items() if name in used}
    return FloatNetwork(network.name, tensors, tuple(layers), network.input, network.output)


def _joined(before: Layer, layer: Layer) -> Layer | None:
    """One layer for two that follow each other, ``None`` where there is none."""
    if not isinstance(before, _FUSING) or before.activation is not None:
        return None
    if isinstance(layer, Activation) and layer.kind in real.FUSED:
        return replace(before, output=layer.output, activation=layer.kind)
    if isinstance(layer, real.Affine) and isinstance(before, _Linear):
        return _scaled(before, layer)
    return None


def _scaled(before: _Linear, affine: real.Affine) -> Layer | None:
    """``before`` with the affine layer in its constants, ``None`` where they would leave float32."""
    scale, offset = affine.scale.astype(np.float64), affine.offset.astype(np.float64)
    joined: _Linear
    with np.errstate(over="ignore"):
        if isinstance(before, real.Affine):
            factors = (before.scale * scale).astype(np.float32)
            moved = (before.offset * scale + offset).astype(np.float32)
            joined = replace(before, output=affine.output, scale=factors, offset=moved, activation=affine.activation)
        else:
            along = [1] * before.weights.ndim
            along[before.channel_axis] = -1
            factors = (before.weights * scale.reshape(along)).astype(np.float32)
            moved = (before.bias * scale + offset).astype(np.float32)
            joined = replace(before, output=affine.output, weights=factors, bias=moved, activation=affine.activation)
    return joined if np.isfinite(factors).all() and np.isfinite(moved).all() else None


def _depthwise(layer: Layer, network: FloatNetwork) -> Layer:
    """An affine layer of an image as a depthwise convolution of one tap; any other layer as it is."""
    if not isinstance(layer, real.Affine) or len(network.tensors[layer.inputs[0]].shape) != 3:
        return layer
    return real.DepthwiseConv2D(
        layer.name,
        layer.inputs,
        layer.output,
        weights=layer.scale.reshape(1, 1, -1),
        bias=layer.offset,
        stride=(1, 1),
        dilation=(1, 1),
        padding=(0, 0, 0, 0),
        activation=layer.activation,
    )
