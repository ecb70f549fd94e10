"""What each contract makes of a layer, and which contracts are the same arithmetic there."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.emulate.contracts import NETWORK_CONTRACTS, Arithmetic, arithmetic_of
from hwq.graph.layers import (
    Activation,
    Add,
    Concatenation,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Layer,
    Mean,
    Pad,
    Pool2D,
    Requantize,
    Reshape,
    Softmax,
)
from hwq.graph.network import Network
from hwq.numeric.requantize import Contract

Codes = NDArray[np.integer]


def _rescaling(arithmetic: Arithmetic) -> Hashable:
    return "xnnpack" if arithmetic.xnnpack else arithmetic.elsewhere


#: The part of a contract's arithmetic that a kind of layer has to do with; ``None`` for all that only choose, move or
#: count codes.
_CONCERNS: Mapping[type[Layer], Callable[[Arithmetic], Hashable]] = {
    Conv2D: lambda arithmetic: arithmetic.convolution,
    DepthwiseConv2D: lambda arithmetic: arithmetic.convolution,
    Dense: lambda arithmetic: arithmetic.dense,
    Add: _rescaling,
    Activation: _rescaling,
    Requantize: _rescaling,
    Mean: lambda arithmetic: (_rescaling(arithmetic), arithmetic.optimized),
    Softmax: lambda arithmetic: arithmetic.optimized,
    Pool2D: lambda arithmetic: None,
    Pad: lambda arithmetic: None,
    Concatenation: lambda arithmetic: None,
    Reshape: lambda arithmetic: None,
}


def concern(layer: Layer, contract: Contract) -> Hashable:
    """What of ``contract`` the layer depends on: where that is equal the contracts are the same arithmetic there."""
    return _CONCERNS[type(layer)](arithmetic_of(contract))


def concerns(layer: Layer, contracts: Sequence[Contract] = NETWORK_CONTRACTS) -> list[list[Contract]]:
    """``contracts`` in groups that are the same arithmetic in ``layer``."""
    groups: dict[Hashable, list[Contract]] = {}
    for contract in contracts:
        groups.setdefault(concern(layer, contract), []).append(contract)
    return list(groups.values())


class Candidates:
    """The layers of a network under every contract.

    Parameters
    ----------
    network:
        The network.

    Raises
    ------
    ModelError
        It is too large to be computed.
    """

    def __init__(self, network: Network) -> None:
        self._emulators = {contract: Emulator(network, contract) for contract in NETWORK_CONTRACTS}

    def outputs(self, layer: Layer, inputs: Mapping[Contract, Sequence[Codes]]) -> dict[Contract, Codes]:
        """The layer's output [N, *shape] under each contract, for its inputs [N, *shape] under that contract.

        What is the same arithmetic on the same arrays is computed once, and is the same array.
        """
        done: dict[tuple[Any, ...], Codes] = {}
        outputs = {}
        for contract, arrays in inputs.items():
            key = (concern(layer, contract), *map(id, arrays))
            if key not in done:
                done[key] = self._emulators[contract].run_layer(layer, *arrays)
            outputs[contract] = done[key]
        return outputs
