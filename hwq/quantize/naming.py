"""What a specification says of single layers, held against the network."""

from __future__ import annotations

import difflib

from hwq.arch.checks import Checks
from hwq.floating import layers as real
from hwq.floating.network import FloatNetwork
from hwq.quantize.sharing import Groups
from hwq.quantize.specification import LayerWeights, Quantization


def require_layers(spec: Quantization, network: FloatNetwork, groups: Groups) -> None:
    """Accept what ``spec`` says of layers of ``network``, folded; ConfigError with every layer that does not fit."""
    layers = {layer.name: layer for layer in network.layers}
    with Checks("quantization.layers") as check:
        for name, own in spec.layers.items():
            layer = layers.get(name)
            if layer is None:
                near = difflib.get_close_matches(name, layers, 1)
                advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(layers)}"
                check.fault(name, f"{network.name} has no such layer; {advice}")
                continue
            if own.weights != LayerWeights() and not isinstance(layer, real.WeightedLayer):
                check.fault(f"{name}.weights", "the layer has no weights")
            if own.activations.bits not in (None, 8) and groups.of(layer.output) in groups.fixed:
                check.fault(f"{name}.activations.bits", "the scale of what the layer gives is fixed, and has 8 bits")
