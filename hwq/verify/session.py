"""Verification: generate, build, simulate, compare."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ToolError
from hwq.export.files import writing
from hwq.export.package import VERILOG, WAIVERS, Package, write_package
from hwq.schedule.planning import Assignment
from hwq.schedule.runs import WHOLE
from hwq.toolchain.cocotb import cocotb_harness, run_bench
from hwq.toolchain.verilator import Simulator, Trace, build_simulator, public_ports
from hwq.verify.compare import Divergence, RunReport, compare_run, unfinished_run
from hwq.verify.design import Design
from hwq.verify.tamper import Fault
from hwq.verify.vectors import GoldenRun, golden_vectors

#: Called with what is being done, now and then while it lasts.
Progress = Callable[[str], None]

_BENCH = "hwq.cosim.bench"


class Built(Protocol):
    """What ran a verification: a title with versions, and how long building took, 0 from cache."""

    @property
    def title(self) -> str:
        """Program and version."""

    @property
    def cached(self) -> bool:
        """Whether it was built before."""

    @property
    def seconds(self) -> float:
        """What building took."""


@dataclass(frozen=True, eq=False)
class VerifyReport:
    """What a verification found, of Verilog or of C++.

    ``planned`` runs are those to be made, ``host`` the layers that are left out. ``failure`` is the bench's own
    complaint where the design fell silent. ``tampered`` says which fault was planted.
    ``interrupted`` marks a verification that the user stopped: ``layers`` then holds those that were done. ``network``
    is the run of all layers in one go, where there is one. Times in seconds.
    """

    planned: int
    host: tuple[Assignment, ...]
    simulator: Built
    samples: int
    layers: tuple[RunReport, ...]
    network: RunReport | None
    failure: str | None
    tampered: str | None
    waveform: Path | None
    interrupted: bool
    simulation_seconds: float
    seconds: float

    @property
    def match(self) -> bool:
        """Whether every run was made and every bit and cycle count is right."""
        done = len(self.runs) == self.planned
        return done and self.failure is None and all(run.match for run in self.runs)

    @property
    def runs(self) -> tuple[RunReport, ...]:
        """Every run that was compared: the layers, then the whole network where it is one run."""
        return (*self.layers, self.network) if self.network else self.layers

    @property
    def divergence(self) -> Divergence | None:
        """The first difference of the first run that has one."""
        return next((run.divergence for run in self.runs if run.divergence), None)

    @property
    def cycles(self) -> int | None:
        """Cycles of the whole network's run, of all layers together where there is none; ``None`` if unfinished."""
        if self.network is not None:
            return self.network.cycles
        counts = [layer.cycles for layer in self.layers]
        return None if None in counts else sum(count for count in counts if count is not None)

    @property
    def predicted_cycles(self) -> int | None:
        """What `cycles` should be; ``None`` where there is no clock."""
        if self.network is not None:
            return self.network.predicted_cycles
        counts = [layer.predicted_cycles for layer in self.layers]
        return None if None in counts else sum(count for count in counts if count is not None)


def verify(
    design: Design,
    samples: NDArray[np.integer],
    directory: Path,
    inputs: Mapping[str, Mapping[str, str]],
    trace: Trace | None = None,
    fault: Fault | None = None,
    progress: Progress = lambda what: None,
) -> VerifyReport:
    """Run every layer of ``design`` in Verilator on what it meets in the network, and compare with the emulator.

    Where the network is one run, it runs as a whole too, from its input to its output.

    Parameters
    ----------
    design:
        From `lower_design`.
    samples:
        Input codes [N, *input shape], N at least 1.
    directory:
        Where the package, vectors, results, log and waveform go.
    inputs:
        Name and SHA-256 of the files the design was made from, for the manifest.
    trace:
        Whether to write a waveform, and in which format.
    fault:
        Plants a fault between writing and building (`tamper.FAULTS`).
    progress:
        Told what is being done.

    Raises
    ------
    ToolError
        When a tool is missing or fails.
    """
    begun = time.monotonic()
    progress("emulating")
    golden = golden_vectors(design, samples)
    progress("writing Verilog")
    package = write_package(design.program, directory, inputs, [vector.first() for vector in golden])
    tampered = fault(design, package, golden) if fault is not None else None
    simulator = _build(package, trace, progress)
    simulation = _Simulation(package, golden, directory / "simulation")
    simulated = time.monotonic()
    interrupted = False
    try:
        simulation.run(simulator, progress)
    except KeyboardInterrupt:
        interrupted = True
    ended = time.monotonic()
    reports = simulation.reports(design, interrupted)
    return VerifyReport(
        planned=len(design.program.runs),
        host=design.host,
        simulator=simulator,
        samples=len(samples),
        layers=tuple(report for report in reports if report.name != WHOLE),
        network=next((report for report in reports if report.name == WHOLE), None),
        failure=simulation.failure(),
        tampered=tampered,
        waveform=simulation.directory / f"dump.{trace}" if trace else None,
        interrupted=interrupted,
        simulation_seconds=ended - simulated,
        seconds=ended - begun,
    )


def _build(package: Package, trace: Trace | None, progress: Progress) -> Simulator:
    verilog = (package.root / VERILOG).read_text(encoding="utf-8")
    waivers = (package.root / WAIVERS).read_text(encoding="utf-8")
    top = package.manifest["top"]
    ports = [port["name"] for port in package.manifest["ports"]]
    progress("building the simulator")
    return build_simulator(
        verilog,
        top,
        waivers + public_ports(top, ports),
        cocotb_harness(),
        trace,
        lambda seconds: progress("building the simulator"),
    )


class _Simulation:
    """One run of the bench: its job, its results, its complaint."""

    def __init__(self, package: Package, golden: list[GoldenRun], directory: Path) -> None:
        self._package, self._golden = package, golden
        self.directory = directory.resolve()
        self._results = self.directory / "results"
        self._results.mkdir(parents=True, exist_ok=True)
        for old in (*self._results.iterdir(), self.directory / "results.xml"):
            old.unlink(missing_ok=True)
        vectors: dict[str, Any] = {
            f"run_{vector.run}_{number}": tensor for vector in golden for number, tensor in enumerate(vector.inputs)
        }
        inputs = self.directory / "vectors.npz"
        with writing(inputs):
            np.savez(inputs, **vectors)
        job = {
            "package": str(package.root.resolve()),
            "runs": [vector.run for vector in golden],
            "vectors": str(inputs),
            "results": str(self._results),
        }
        self._job = self.directory / "job.json"
        with writing(self._job):
            self._job.write_text(json.dumps(job, indent=1), encoding="utf-8")

    def run(self, simulator: Simulator, progress: Progress) -> None:
        total = len(self._golden)

        def tick(seconds: float) -> None:
            done = sum(1 for vector in self._golden if (self._results / f"{vector.run}.npz").exists())
            now = self._golden[min(done, total - 1)].run
            progress(f"simulating {now} ({done} of {total} runs done)")

        tick(0.0)
        top = self._package.manifest["top"]
        log = run_bench(simulator, top, _BENCH, self.directory, {"HWQ_JOB": str(self._job)}, tick=tick)
        passed = "FAIL=0" in log and "PASS=1" in log
        if not passed and self.failure() is None:
            raise ToolError(f"the bench itself failed:\n{log[-2000:].strip()}")

    def failure(self) -> str | None:
        """What the bench complained of, ``None`` where it did not."""
        path = self._results / "failure.txt"
        return path.read_text(encoding="utf-8") if path.exists() else None

    def reports(self, design: Design, interrupted: bool) -> list[RunReport]:
        """Compare every run that gave results; one without counts as wrong, unless the user stopped the run."""
        reports = []
        for vector in self._golden:
            run = design.program.run(vector.run)
            path = self._results / f"{vector.run}.npz"
            if path.exists():
                with np.load(path) as result:
                    found = (result["output"], list(result["cycles"]), vector.counts, result["counts"])
                    reports.append(compare_run(run, vector.outputs, *found))
            elif not interrupted:
                reports.append(unfinished_run(run, vector.outputs.size))
        return reports
