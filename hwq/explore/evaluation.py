"""What a point costs and how well it answers: its exact cycles and memory, and its answers to real samples.

Two steps, so that points share them. `schedule` depends on network and accelerator, and says in what arithmetic the
network is computed; `emulate` depends on network, samples and that arithmetic alone. Both read and give plain values,
which cross from process to process and lie in the results.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.arch.accelerator import Accelerator, ceil_div
from hwq.config.document import Document
from hwq.config.project import Project, check_project
from hwq.cost.area import area
from hwq.cost.check import runs_of, table_energy, transfer_bits
from hwq.cost.device import FAMILIES
from hwq.cost.memories import footprint
from hwq.emulate import Emulator
from hwq.emulate.contracts import NETWORK_CONTRACTS
from hwq.emulate.ordered import differs
from hwq.frontends import load
from hwq.frontends.samples import SampleFile
from hwq.frontends.sources import RandomSamples, choose_samples
from hwq.graph.layers import WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.requantize import Contract
from hwq.schedule.order import OrderedSum, ordered_sums
from hwq.schedule.planning import with_engines
from hwq.verify.design import Design, lower_design

#: Inputs where there is no data and nobody says how many.
RANDOM_SAMPLES = 100

#: Samples that are read and computed at a time, in chunks of the emulator.
_CHUNKS = 8

Values = Mapping[str, Any]


def schedule(values: Values, folder: Path) -> dict[str, Any]:
    """Lower a project's network for its accelerator.

    Parameters
    ----------
    values:
        Of the project file.
    folder:
        Where it would lie.

    Returns
    -------
    The metrics ``cycles``, ``utilization``, ``multipliers``, ``memory``, ``memory_used``, ``host_layers``;
    ``arithmetic``, a text that is equal where the outputs for the same samples are; and ``costs``, from which figures
    of devices follow: ``energy`` in picojoules by the table, ``transferred`` bits, ``area`` by family.

    Raises
    ------
    HwqError
        The network does not fit, or cannot be read.
    """
    project, network, accelerator = _opened(values, folder)
    design = lower_design(network, accelerator)
    return {
        **hardware_figures(design),
        "costs": {
            "energy": table_energy(design.program),
            "transferred": transfer_bits(design.program),
            "area": {family: area(accelerator, family) for family in FAMILIES},
        },
        "arithmetic": repr(
            (project.accelerator.arithmetic.contract.value, sorted(_sums(network, accelerator).items()))
        ),
    }


def hardware_figures(design: Design) -> dict[str, Any]:
    """The metrics that follow from network and accelerator alone, ``cycles`` to ``host_layers``."""
    program = design.program
    accelerator = program.accelerator
    runs = runs_of(program)
    cycles = sum(run.predicted_cycles for run in runs)
    multipliers = accelerator.array.rows * accelerator.array.columns
    used = program.used()
    return {
        "cycles": cycles,
        "utilization": sum(run.macs for run in runs) / (cycles * multipliers),
        "multipliers": multipliers,
        "memory": footprint(accelerator),
        "memory_used": sum(ceil_div(used[space][0] * bits, 8) for space, bits in accelerator.word_bits.items()),
        "host_layers": len(design.host),
    }


def emulate(values: Values, folder: Path, count: int | None) -> dict[str, Any]:
    """Compute a project's samples in its arithmetic.

    Parameters
    ----------
    values, folder:
        As for `schedule`.
    count:
        How many samples, the first ones; all of the project's data without it, or 100 random ones without data.

    Returns
    -------
    The metrics ``accuracy`` (``None`` without labels), ``agreement``, ``overflows``, and ``samples``, their number.

    Raises
    ------
    HwqError
        The samples are not there, or do not fit the network.
    """
    project, network, accelerator = _opened(values, folder)
    contract = project.accelerator.arithmetic.contract
    samples = choose_samples(network, project.data, count, 0, RANDOM_SAMPLES)
    sums = _sums(network, accelerator)
    exact = _exact_answers(project.model, project.data, count, contract)
    answers, overflows = exact, 0
    if sums:
        emulator = Emulator(network, contract, sums=sums, count=True)
        answers = _answers(emulator, samples)
        # Outputs are clamped in exact arithmetic too: no sum left its width there.
        overflows = sum(int(event.psum.sum() + event.accumulator.sum()) for event in emulator.overflows.values())
    right = None if samples.labels is None else int(np.count_nonzero(answers == samples.labels))
    return {
        "accuracy": None if right is None else right / samples.count,
        "agreement": int(np.count_nonzero(answers == exact)) / samples.count,
        "overflows": overflows,
        "samples": samples.count,
    }


def _opened(values: Values, folder: Path) -> tuple[Project, Network, Accelerator]:
    project = check_project(Document(folder / "project.yaml", dict(values), {}))
    network = _network(project.model)
    return project, network, with_engines(network, project.accelerator, project.auto)


@lru_cache(maxsize=4)
def _network(path: Path) -> Network:
    return load(path)


def _sums(network: Network, accelerator: Accelerator) -> dict[str, OrderedSum]:
    """By layer, what could differ from exact sums; all others are the same on every accelerator."""
    return {
        name: how
        for name, how in ordered_sums(network, accelerator).items()
        if isinstance(layer := network.layer(name), WeightedLayer) and differs(network, layer, how)
    }


@lru_cache(maxsize=4)
def _exact_answers(model: Path, data: Path | None, count: int | None, contract: Contract) -> NDArray[np.int64]:
    """The answers that exact sums give, which others are compared with."""
    network = _network(model)
    # Contracts that only hardware has are compared with TFLite's.
    known = contract if contract in NETWORK_CONTRACTS else Contract.DOUBLE
    return _answers(Emulator(network, known), choose_samples(network, data, count, 0, RANDOM_SAMPLES))


def _answers(emulator: Emulator, samples: SampleFile | RandomSamples) -> NDArray[np.int64]:
    """Index of the largest output of each sample, int64 [samples]."""
    found = [
        emulator.run(x).reshape(len(x), -1).argmax(axis=1) for x in samples.pieces(lambda: _CHUNKS * emulator.chunk)
    ]
    return np.concatenate(found).astype(np.int64)
