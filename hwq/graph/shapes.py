"""Geometry: output sizes, SAME and VALID padding made explicit, and what layers cost in MACs and bytes."""

from __future__ import annotations

import math

from hwq.graph.layers import Layer, Padding, WeightedLayer
from hwq.graph.liveness import lifetimes, storage
from hwq.graph.network import Network


def output_size(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    """Positions of a window along one axis: ``floor((before + size + after - extent) / stride) + 1``.

    ``extent`` is the dilated kernel, ``(kernel - 1) * dilation + 1``. Not positive where the window does not fit.
    """
    extent = (kernel - 1) * dilation + 1
    return (before + size + after - extent) // stride + 1


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Padding (before, after) along one axis that gives ``ceil(size / stride)`` outputs.

    As in TFLite, the odd element of an uneven padding comes after.
    """
    extent = (kernel - 1) * dilation + 1
    total = max((math.ceil(size / stride) - 1) * stride + extent - size, 0)
    return total // 2, total - total // 2


def explicit_padding(
    same: bool, size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> Padding:
    """SAME (``same``) or VALID padding of an image as (top, bottom, left, right); arguments are (height, width)."""
    if not same:
        return 0, 0, 0, 0
    top, bottom = same_padding(size[0], kernel[0], stride[0], dilation[0])
    left, right = same_padding(size[1], kernel[1], stride[1], dilation[1])
    return top, bottom, left, right


def image_output_size(
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: Padding,
) -> tuple[int, int]:
    """Output (height, width) of a window sliding over an image of ``size`` (height, width)."""
    top, bottom, left, right = padding
    return (
        output_size(size[0], kernel[0], stride[0], dilation[0], top, bottom),
        output_size(size[1], kernel[1], stride[1], dilation[1], left, right),
    )


def macs(network: Network, layer: Layer) -> int:
    """Multiply-accumulates of ``layer`` for one sample.

    The usual count: every kernel element at every output counts, also where it meets padding. 0 for layers without
    weights.
    """
    if not isinstance(layer, WeightedLayer):
        return 0
    return network.tensors[layer.output].elements * int(layer.channel_rows[0].size)


def weight_bytes(layer: Layer) -> int:
    """Bytes of the layer's weights, one a weight, without biases; 0 for layers without weights."""
    return int(layer.weights.size) if isinstance(layer, WeightedLayer) else 0


def peak_activation_bytes(network: Network) -> int:
    """Most bytes that live activations occupy at any layer, for one sample.

    A tensor lives from the layer that writes it to the last one that reads it; during a layer its inputs and its
    output live together. The network's input lives from the start, its output to the end. A reshape takes no memory of
    its own.
    """
    lives = lifetimes(network, storage(network))
    return max(
        sum(_bytes(network, name) for name, life in lives.items() if life.first <= number <= life.last)
        for number in range(-1, len(network.layers))
    )


def _bytes(network: Network, name: str) -> int:
    tensor = network.tensors[name]
    return tensor.elements * tensor.quantization.format.dtype.itemsize
