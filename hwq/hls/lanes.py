"""How many channels of each tensor travel side by side, and how much of a layer is computed in a step."""

from __future__ import annotations

import math

from hwq.graph.layers import Activation, Add, Conv2D, Dense, Layer, Pool2D, Requantize
from hwq.graph.network import Network

#: What passes packs through as they come: the lanes of all their tensors are the same.
_ALIKE = (Add, Activation, Pool2D, Requantize)


def largest_divisor(number: int, most: int) -> int:
    """The largest divisor of ``number`` that is not above ``most``."""
    return next(divisor for divisor in range(min(number, most), 0, -1) if number % divisor == 0)


def tensor_lanes(network: Network, columns: int) -> dict[str, int]:
    """For each tensor by name how many channels a pack holds: as many as the array has columns, or a divisor.

    A divisor of the channels, so that no pack holds two pixels; and of what a consumer takes at a time.
    """
    units = {name: tensor.shape[-1] if tensor.shape else 1 for name, tensor in network.tensors.items()}
    for layer in network.layers:
        if isinstance(layer, Dense):
            units[layer.inputs[0]] = math.gcd(units[layer.inputs[0]], layer.weights.shape[1])
        if isinstance(layer, Conv2D):
            units[layer.output] = math.gcd(units[layer.output], layer.channels // layer.groups)
    while not all(_agree(units, layer) for layer in network.layers if isinstance(layer, _ALIKE)):
        pass
    return {name: largest_divisor(unit, columns) for name, unit in units.items()}


def _agree(units: dict[str, int], layer: Layer) -> bool:
    """Make the layer's tensors alike; whether they were."""
    names = (*layer.inputs, layer.output)
    common = math.gcd(*(units[name] for name in names))
    alike = all(units[name] == common for name in names)
    units.update(dict.fromkeys(names, common))
    return alike
