"""Calibration samples on their way through the float network and the quantized one, a layer at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.floating.execution import compute
from hwq.floating.layers import Reals
from hwq.floating.network import FloatNetwork
from hwq.graph.inputs import quantize_input
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from hwq.quantize.calibration import Steps

Codes = NDArray[np.integer]


class Replay:
    """Every tensor that a later layer reads, of both networks, in pieces of the samples.

    Parameters
    ----------
    network:
        The float network, folded.
    tensors:
        Those of the quantized network: of the same names at least. Layers may add some.
    pieces:
        The samples.
    steps:
        Of the way that is reported: samples, of which each layer is a part.
    """

    def __init__(
        self, network: FloatNetwork, tensors: dict[str, Tensor], pieces: Iterator[Reals], steps: Steps
    ) -> None:
        self._network, self._tensors = network, tensors
        self._last = {name: number for number, layer in enumerate(network.layers) for name in layer.inputs}
        self._steps, self._done = steps, 0
        entry = self._alone(network.name, (), network.input, network.input)
        self._exact: dict[str, list[Reals]] = {network.input: list(pieces)}
        self._codes: dict[str, list[Codes]] = {
            network.input: [quantize_input(entry, piece) for piece in self._exact[network.input]]
        }

    def pairs(self, tensor: str) -> Iterator[tuple[Reals, Reals]]:
        """What a tensor is in the quantized network, as real numbers, and in the float network, piece by piece."""
        quantization = self._tensors[tensor].quantization
        scale, zero_point = quantization.scale[0], quantization.zero_point[0]
        for codes, exact in zip(self._codes[tensor], self._exact[tensor], strict=True):
            yield (codes.astype(np.float32) - np.float32(zero_point)) * scale, exact

    def follow(self, layer: Layer, quantized: Sequence[Layer]) -> None:
        """Compute the next ``layer`` of the float network, and the layers of codes that it became."""
        shape = self._network.tensors[layer.output].shape
        inputs = zip(*(self._exact[name] for name in layer.inputs), strict=True)
        self._exact[layer.output] = [compute(layer, list(pieces), shape) for pieces in inputs]
        for coded in quantized:
            emulator = Emulator(self._alone(self._network.name, (coded,), coded.inputs[0], coded.output))
            codes = zip(*(self._codes[name] for name in coded.inputs), strict=True)
            self._codes[coded.output] = [emulator.run_layer(coded, *pieces) for pieces in codes]
        for name in dict.fromkeys(layer.inputs):
            if self._last[name] == self._done:
                del self._exact[name], self._codes[name]
        count = sum(len(piece) for piece in self._exact[layer.output])
        before = self._done * count // len(self._network.layers)
        self._done += 1
        self._steps.add(self._done * count // len(self._network.layers) - before)

    def _alone(self, name: str, layers: tuple[Layer, ...], source: str, target: str) -> Network:
        """A network of one layer, or of none."""
        used = {source, target, *(tensor for layer in layers for tensor in layer.inputs)}
        return Network(name, {tensor: self._tensors[tensor] for tensor in used}, layers, source, target)
