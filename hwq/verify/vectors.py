"""Golden vectors: what enters each run and what the emulator says has to leave it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.export.testbench import RunVector
from hwq.schedule.order import ordered_sums
from hwq.schedule.runs import Placed
from hwq.verify.design import Design


@dataclass(frozen=True, eq=False)
class GoldenRun:
    """What enters and leaves one run, each tensor flat in memory order: integer [samples, elements]."""

    run: str
    inputs: tuple[NDArray[np.integer], ...]
    outputs: NDArray[np.integer]

    def first(self) -> RunVector:
        """The first sample, for the testbench."""
        return RunVector(self.run, tuple(tensor[0] for tensor in self.inputs), self.outputs[0])


def emulator_of(design: Design) -> Emulator:
    """The emulator of a design's network in its accelerator's arithmetic."""
    accelerator = design.program.accelerator
    sums = ordered_sums(design.network, accelerator)
    return Emulator(design.network, accelerator.arithmetic.contract, sums=sums)


def golden_vectors(design: Design, x: NDArray[np.integer]) -> list[GoldenRun]:
    """Run samples ``x`` [N, *input shape] through the whole network and keep what the design's runs see."""
    tensors = emulator_of(design).trace(x)

    def flat(placed: Placed) -> NDArray[np.integer]:
        return tensors[placed.tensor].reshape(len(x), -1)

    return [
        GoldenRun(run.name, tuple(flat(placed) for placed in run.inputs), flat(run.output))
        for run in design.program.runs
    ]
