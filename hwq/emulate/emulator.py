"""Execution of a whole network, bit for bit, on batches of samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hwq.emulate.contracts import arithmetic_of
from hwq.emulate.layers import build
from hwq.errors import DataError
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from hwq.numeric.requantize import Contract

Codes = NDArray[np.integer]
Kernel = Callable[..., Codes]


class Emulator:
    """Computes what the network's integer arithmetic gives, exactly, under one contract.

    Parameters
    ----------
    network:
        A checked network.
    contract:
        Whose arithmetic to follow: DOUBLE (tflite-micro, and hwq's hardware), UP2, SINGLE, or for comparison F64AWAY
        and FP32HE.

    Raises
    ------
    ConfigError
        The contract needs more than the network says (SHIFT).
    """

    def __init__(self, network: Network, contract: Contract = Contract.DOUBLE) -> None:
        self.network = network
        self.contract = contract
        arithmetic = arithmetic_of(contract)
        self._kernels: dict[str, Kernel] = {layer.name: build(network, layer, arithmetic) for layer in network.layers}

    def run(self, x: Codes) -> Codes:
        """Output codes [N, *output shape] of input codes ``x`` [N, *input shape].

        Raises
        ------
        DataError
            Shape or type of ``x`` is not the input's.
        """
        return self._execute(x, keep=False)[self.network.output]

    def trace(self, x: Codes) -> dict[str, Codes]:
        """Every tensor of the network by name, [N, *shape] each, for input codes ``x`` [N, *input shape]."""
        return self._execute(x, keep=True)

    def run_layer(self, layer: Layer | str, *inputs: Codes) -> Codes:
        """Output of one layer, [N, *shape], for its inputs [N, *shape] each."""
        if isinstance(layer, str):
            layer = self.network.layer(layer)
        if len(inputs) != len(layer.inputs):
            raise DataError(f"layer {layer.name} takes {len(layer.inputs)} inputs, not {len(inputs)}")
        for name, x in zip(layer.inputs, inputs, strict=True):
            check_codes(x, self.network.tensors[name], f"tensor {name!r}")
        return self._kernels[layer.name](*inputs)

    def _execute(self, x: Codes, *, keep: bool) -> dict[str, Codes]:
        check_codes(x, self.network.tensors[self.network.input], f"the input of {self.network.name}")
        last_use = {name: index for index, layer in enumerate(self.network.layers) for name in layer.inputs}
        tensors: dict[str, Codes] = {self.network.input: x}
        for index, layer in enumerate(self.network.layers):
            tensors[layer.output] = self._kernels[layer.name](*(tensors[name] for name in layer.inputs))
            if not keep:
                for name in layer.inputs:
                    if last_use[name] == index and name != self.network.output:
                        tensors.pop(name, None)
        return tensors


def check_codes(x: Codes, tensor: Tensor, what: str) -> None:
    """Accept codes [N, *tensor shape] of the tensor's own type; DataError otherwise, naming ``what``."""
    if not isinstance(x, np.ndarray) or x.ndim == 0 or x.shape[1:] != tensor.shape:
        needed = ", ".join(["N", *map(str, tensor.shape)])
        raise DataError(f"samples have shape {list(np.shape(x))}; {what} needs [{needed}]")
    if x.dtype != tensor.quantization.format.dtype:
        raise DataError(f"samples are {x.dtype}; {what} takes {tensor.quantization.format.dtype} codes")
