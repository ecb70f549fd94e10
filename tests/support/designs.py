"""Small designs, written and verified in tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArrayParameters, BufferParameters
from hwq.export.package import Package, write_package
from hwq.graph.files import save_network
from hwq.graph.inputs import random_samples
from hwq.graph.network import Network
from hwq.verify.design import Design, lower_design
from hwq.verify.vectors import golden_vectors
from tests.support.convolutions import small_network

SMALL_BUFFERS = BufferParameters(activations=1024, weights=4096, channels=64, descriptors=8, accumulators=16)
SMALL = Accelerator(ArrayParameters(4, 4), buffers=SMALL_BUFFERS)


def small_design(accelerator: Accelerator = SMALL, network: Network | None = None) -> Design:
    """The small network on a 4x4 array."""
    return lower_design(network or small_network(), accelerator)


def accelerator(**changes: object) -> Accelerator:
    """The small accelerator with other sections."""
    return replace(SMALL, **changes)  # type: ignore[arg-type]


def samples(design: Design, count: int = 1, seed: int = 0) -> np.ndarray:
    """Random input codes."""
    return random_samples(design.network, count, seed)


def write(design: Design, directory: Path, seed: int = 0) -> Package:
    """What `hwq gen` writes."""
    vectors = [vector.first() for vector in golden_vectors(design, samples(design, 1, seed))]
    return write_package(design.program, directory, {}, vectors)


PROJECT = """\
model: small.hwq
array: {rows: 4, columns: 4}
buffers: {activations: 1024, weights: 4096, channels: 64, descriptors: 8, accumulators: 16}
"""


def write_project(directory: Path, text: str = PROJECT) -> Path:
    """The small network as a project file beside its model."""
    save_network(small_network(), directory / "small.hwq")
    path = directory / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return path
