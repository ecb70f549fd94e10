"""Geometry: output sizes, SAME and VALID padding made explicit, and what layers cost in MACs and bytes."""

from __future__ import annotations

import math

from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, Layer, Padding
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
    outputs = network.tensors[layer.output].elements
    if isinstance(layer, Conv2D):
        return outputs * int(layer.weights[0].size)
    if isinstance(layer, DepthwiseConv2D):
        return outputs * int(layer.weights[:, :, 0].size)
    if isinstance(layer, Dense):
        return outputs * int(layer.weights[0].size)
    return 0


def weight_bytes(layer: Layer) -> int:
    """Bytes of the layer's weights, one a weight, without biases; 0 for layers without weights."""
    return int(layer.weights.size) if isinstance(layer, (Conv2D, DepthwiseConv2D, Dense)) else 0


def peak_activation_bytes(network: Network) -> int:
    """Most bytes that live activations occupy at any layer, for one sample.

    A tensor lives from the layer that writes it to the last one that reads it; during a layer its inputs and its
    output live together. The network's input lives from the start, its output to the end. A reshape takes no memory of
    its own.
    """
    alias: dict[str, str] = {}
    last_use: dict[str, int] = {network.input: -1}
    for index, layer in enumerate(network.layers):
        if layer.op == "reshape":
            alias[layer.output] = alias.get(layer.inputs[0], layer.inputs[0])
        for name in (*layer.inputs, layer.output):
            last_use[alias.get(name, name)] = index
    last_use[alias.get(network.output, network.output)] = len(network.layers)

    live = {network.input}
    peak = _bytes(network, live)
    for index, layer in enumerate(network.layers):
        live.add(alias.get(layer.output, layer.output))
        peak = max(peak, _bytes(network, live))
        live = {name for name in live if last_use[name] > index}
    return peak


def _bytes(network: Network, names: set[str]) -> int:
    tensors = [network.tensors[name] for name in names]
    return sum(tensor.elements * tensor.quantization.format.dtype.itemsize for tensor in tensors)
