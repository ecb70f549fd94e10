"""Golden vectors: what enters each layer and what the emulator says has to leave it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.export.testbench import LayerVector
from hwq.graph.network import Network
from hwq.verify.design import Design


@dataclass(frozen=True, eq=False)
class GoldenLayer:
    """``inputs`` and ``outputs`` of one layer, flat in memory order: integer [samples, elements]."""

    layer: str
    inputs: NDArray[np.integer]
    outputs: NDArray[np.integer]

    def first(self) -> LayerVector:
        """The first sample, for the testbench."""
        return LayerVector(self.layer, self.inputs[0], self.outputs[0])


def golden_vectors(design: Design, x: NDArray[np.integer]) -> list[GoldenLayer]:
    """Run samples ``x`` [N, *input shape] through the whole network and keep what the design's layers see."""
    emulator = Emulator(design.network, design.program.accelerator.arithmetic.contract)
    tensors = emulator.trace(x)
    return [
        GoldenLayer(layer.name, tensors[layer.inputs[0]].reshape(len(x), -1), tensors[layer.output].reshape(len(x), -1))
        for layer in design.layers
    ]


def random_samples(network: Network, count: int, seed: int) -> NDArray[np.integer]:
    """``count`` uniformly random inputs of ``network``."""
    tensor = network.tensors[network.input]
    codes = tensor.quantization.format
    random = np.random.default_rng(seed)
    return random.integers(codes.min, codes.max, (count, *tensor.shape), endpoint=True).astype(codes.dtype)
