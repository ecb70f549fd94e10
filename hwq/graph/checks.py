"""Consistency of a network: order of execution, geometry, quantization. Every reader ends with `check_network`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hwq.errors import ModelError
from hwq.graph.layer_checks import check_layer_rules, check_quantization
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor

#: Most elements of one activation tensor; far above what classifiers hold, low enough to allocate.
MAX_ELEMENTS = 1 << 26

#: Widths of signed activations.
ACTIVATION_BITS = range(2, 17)

#: Scales of activations: far beyond what networks hold, near enough that products and quotients stay inside float32.
SMALLEST_SCALE, LARGEST_SCALE = 2.0**-60, 2.0**60

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


def check_network(network: Network) -> None:
    """Accept a network that every part of hwq can compute.

    Raises
    ------
    ModelError
        Naming the layer and the tensor: a layer reads what is not written yet, a tensor is written twice or does not
        exist, a shape does not follow from the layer's parameters, or a quantization is not legal.
    """
    if not _IDENTIFIER.match(network.name):
        raise ModelError(f"network name {network.name!r} is not an identifier")
    for name, tensor in network.tensors.items():
        if name != tensor.name:
            raise ModelError(f"tensor {tensor.name!r} is listed as {name!r}")
        check_tensor(tensor)
    if network.input not in network.tensors:
        raise ModelError(f"the network's input {network.input!r} is not one of its tensors")
    written = {network.input}
    for layer in network.layers:
        check_layer(layer, network.tensors)
        for name in layer.inputs:
            if name not in written:
                raise ModelError(f"layer {layer.name}: input {name!r} is read before it is written")
        if layer.output in written:
            raise ModelError(f"layer {layer.name}: output {layer.output!r} is written a second time")
        written.add(layer.output)
    if network.output not in written:
        raise ModelError(f"the network's output {network.output!r} is never written")
    unused = sorted(set(network.tensors) - written)
    if unused:
        raise ModelError(f"tensor {unused[0]!r} is never written")


def check_layer(layer: Layer, tensors: Mapping[str, Tensor]) -> None:
    """Accept a layer whose tensors exist and agree with its parameters; ModelError names layer and reason."""
    if not _IDENTIFIER.match(layer.name):
        raise ModelError(f"layer name {layer.name!r} is not an identifier")
    for name in (*layer.inputs, layer.output):
        if name not in tensors:
            raise ModelError(f"layer {layer.name}: tensor {name!r} does not exist")
    try:
        check_layer_rules(layer, [tensors[name] for name in layer.inputs], tensors[layer.output])
    except ModelError as error:
        raise ModelError(f"layer {layer.name}: {error}") from None


def check_tensor(tensor: Tensor) -> None:
    """Accept an activation tensor of positive sizes with one legal scale and zero-point."""
    where = f"tensor {tensor.name!r}"
    if any(size < 1 for size in tensor.shape):
        raise ModelError(f"{where}: shape {list(tensor.shape)} has sizes below 1")
    elements = 1
    for size in tensor.shape:
        elements *= size
    if elements > MAX_ELEMENTS:
        raise ModelError(f"{where}: {elements} elements; supported are at most {MAX_ELEMENTS}")
    check_quantization(tensor.quantization, where)
    scale = float(tensor.quantization.scale[0])
    if not SMALLEST_SCALE <= scale <= LARGEST_SCALE:
        raise ModelError(f"{where}: scale {scale:g}; supported are scales from {SMALLEST_SCALE:g} to {LARGEST_SCALE:g}")
    if tensor.quantization.per_channel:
        raise ModelError(f"{where}: per-channel scales; supported are activations with one scale")
    codes = tensor.quantization.format
    if codes.width not in ACTIVATION_BITS or (codes.width != 8 and not codes.signed):
        raise ModelError(f"{where}: {codes} activations; supported are int2 to int16, and uint8")
