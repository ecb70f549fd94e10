"""Golden vectors: what enters each run and what the emulator says has to leave it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.export.testbench import RunVector
from hwq.verify.design import Design


@dataclass(frozen=True, eq=False)
class GoldenRun:
    """``inputs`` and ``outputs`` of one run, flat in memory order: integer [samples, elements]."""

    run: str
    inputs: NDArray[np.integer]
    outputs: NDArray[np.integer]

    def first(self) -> RunVector:
        """The first sample, for the testbench."""
        return RunVector(self.run, self.inputs[0], self.outputs[0])


def golden_vectors(design: Design, x: NDArray[np.integer]) -> list[GoldenRun]:
    """Run samples ``x`` [N, *input shape] through the whole network and keep what the design's runs see."""
    emulator = Emulator(design.network, design.program.accelerator.arithmetic.contract)
    tensors = emulator.trace(x)
    places = [(layer.name, layer.inputs[0], layer.output) for layer in design.layers]
    if design.program.network:
        places.append((design.program.network.name, design.network.input, design.program.network.output))
    return [
        GoldenRun(name, tensors[source].reshape(len(x), -1), tensors[target].reshape(len(x), -1))
        for name, source, target in places
    ]
