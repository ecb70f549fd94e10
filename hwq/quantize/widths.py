"""How many bits each tensor's codes have: what the project says, and 8 where fewer would cost most answers."""

from __future__ import annotations

from collections.abc import Iterator

from hwq.floating import layers as real
from hwq.floating.network import FloatNetwork
from hwq.graph.layers import Layer, Mean, PoolKind, Reshape, Softmax
from hwq.quantize.sharing import Groups
from hwq.quantize.specification import Quantization

#: Bits of what stays wide.
_WIDE = 8


def activation_widths(network: FloatNetwork, groups: Groups, spec: Quantization) -> dict[str, int]:
    """Bits of every tensor of ``network``, by its name; tensors of a group have the same.

    8 bits, however few ``spec`` asks for, have the network's input and output, what a softmax reads, averages that a
    dense layer reads, outputs whose scale is fixed, and what shares a scale with one of those. What is said of single
    layers comes before that; of layers that share a scale the largest counts.
    """
    widths = dict.fromkeys((groups.of(name) for name in _kept(network)), _WIDE)
    own: dict[str, int] = {}
    for layer in network.layers:
        if layer.name in spec.layers and (bits := spec.layers[layer.name].activations.bits) is not None:
            group = groups.of(layer.output)
            own[group] = max(own.get(group, 0), bits)
    widths |= own | dict.fromkeys(groups.fixed, _WIDE)
    return {name: widths.get(groups.of(name), spec.activations.bits) for name in network.tensors}


def _kept(network: FloatNetwork) -> Iterator[str]:
    # An input of few codes cannot be repaired by any layer behind it. Logits are compared with each other, and averages
    # of many codes lie between them; both are few, so that their bits cost next to nothing.
    yield from (network.input, network.output)
    writers = {layer.output: layer for layer in network.layers}
    for layer in network.layers:
        if isinstance(layer, Softmax):
            yield layer.inputs[0]
        elif isinstance(layer, real.Dense):
            source = layer.inputs[0]
            while isinstance(writers.get(source), Reshape):
                source = writers[source].inputs[0]
            if _averages(writers.get(source)):
                yield source


def _averages(layer: Layer | None) -> bool:
    return isinstance(layer, Mean) or (isinstance(layer, real.Pool2D) and layer.kind is PoolKind.AVERAGE)
