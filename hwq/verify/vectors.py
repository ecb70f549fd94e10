"""Golden vectors: what enters each run and what the emulator says has to leave it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.export.testbench import RunVector
from hwq.schedule.order import ordered_sums
from hwq.schedule.runs import Placed, Run
from hwq.verify.design import Design


@dataclass(frozen=True, eq=False)
class GoldenRun:
    """What enters and leaves one run, each tensor flat in memory order: integer [samples, elements].

    ``counts`` int64 [samples, layers, 3] are the overflows of psums and accumulators and the clamped outputs of each
    layer of the run; zeros where they are not counted.
    """

    run: str
    inputs: tuple[NDArray[np.integer], ...]
    outputs: NDArray[np.integer]
    counts: NDArray[np.int64]

    def first(self) -> RunVector:
        """The first sample, for the testbench."""
        return RunVector(self.run, tuple(tensor[0] for tensor in self.inputs), self.outputs[0])


def emulator_of(design: Design) -> Emulator:
    """The emulator of a design's network in its accelerator's arithmetic; it counts what the hardware counts."""
    accelerator = design.program.accelerator
    sums = ordered_sums(design.network, accelerator)
    return Emulator(design.network, accelerator.arithmetic.contract, sums=sums, count=True)


def golden_vectors(design: Design, x: NDArray[np.integer]) -> list[GoldenRun]:
    """Run samples ``x`` [N, *input shape] through the whole network and keep what the design's runs see."""
    emulator = emulator_of(design)
    # Where something is counted, sample by sample, since the emulator adds up the counts of all.
    pieces = np.split(x, len(x)) if emulator.overflows else [x]
    traces, samples = zip(*(_counted(emulator, piece) for piece in pieces), strict=True)
    tensors = {name: np.concatenate([trace[name] for trace in traces]) for name in traces[0]}
    nothing = np.zeros(3, np.int64)

    def counts(run: Run) -> NDArray[np.int64]:
        found = [[sample.get(step.layer, nothing) for step in run.steps] for sample in samples]
        return np.broadcast_to(np.array(found, dtype=np.int64), (len(x), len(run.steps), 3))

    def flat(placed: Placed) -> NDArray[np.integer]:
        return tensors[placed.tensor].reshape(len(x), -1)

    return [
        GoldenRun(run.name, tuple(flat(placed) for placed in run.inputs), flat(run.output), counts(run))
        for run in design.program.runs
    ]


def _counted(
    emulator: Emulator, x: NDArray[np.integer]
) -> tuple[dict[str, NDArray[np.integer]], dict[str, NDArray[np.int64]]]:
    """Every tensor for samples ``x``, and of each layer by name, int64 [3], what its channels count together."""
    before = emulator.overflows
    tensors = emulator.trace(x)
    return tensors, {name: after.totals - before[name].totals for name, after in emulator.overflows.items()}
