"""A design with faults in it: verified as it is, or with one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hwq.export.package import VERILOG, Package, write_package
from hwq.graph.inputs import random_samples
from hwq.verify import session
from hwq.verify.design import Design
from hwq.verify.session import VerifyReport, verify
from hwq.verify.vectors import golden_vectors
from tests.support.faults import Mutation, choose, plant


class Planted:
    """``design`` with all ``mutations`` in one simulator, written to ``directory``."""

    def __init__(self, design: Design, mutations: Sequence[Mutation], directory: Path) -> None:
        self.design = design
        self.samples = random_samples(design.network, 1, 0)
        vectors = [vector.first() for vector in golden_vectors(design, self.samples)]
        self.package: Package = write_package(design.program, directory, {}, vectors)
        path = self.package.root / VERILOG
        path.write_text(plant(path.read_text(encoding="utf-8"), mutations), encoding="utf-8")

    def run(self, number: int, directory: Path, monkeypatch: pytest.MonkeyPatch) -> VerifyReport:
        """What `verify` says of the mutation of this number; 0 is none."""
        monkeypatch.setattr(session, "write_package", lambda *given: self.package)
        choose(directory / "simulation", number)
        return verify(self.design, self.samples, directory, {})


def numbered(mutations: Sequence[Mutation]) -> list[Any]:
    """Parameters of a test: the number of each mutation, those that are not quick in the proof alone."""
    return [
        pytest.param(number, id=mutation.name, marks=[] if mutation.quick else pytest.mark.proof)
        for number, mutation in enumerate(mutations, 1)
    ]
