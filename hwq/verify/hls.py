"""A network as C++ for high-level synthesis, compiled with g++ and compared with the emulator."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwq.arch.accelerator import Accelerator
from hwq.emulate import Emulator
from hwq.errors import ConfigError, ToolError
from hwq.graph.network import Network
from hwq.hls.assembly import assemble
from hwq.hls.emission import BENCH, Vectors, project_files, vector_files, write_files
from hwq.hls.flavors import Flavor
from hwq.hls.source import Source
from hwq.schedule.order import ordered_sums
from hwq.schedule.runs import WHOLE
from hwq.toolchain import tools
from hwq.toolchain.cache import cached_build, content_key
from hwq.toolchain.children import run_child
from hwq.toolchain.hls_types import find_types
from hwq.toolchain.tools import Tool
from hwq.toolchain.verilator import first_error, make_command
from hwq.verify.compare import RunReport, compare_codes, unfinished_codes
from hwq.verify.design import unknown_name
from hwq.verify.session import Progress, VerifyReport

#: As fast as the Makefile's own, whatever the environment says.
_FLAGS = "-O2"


@dataclass(frozen=True, eq=False)
class HlsDesign:
    """A network, the hardware it is written for, and its C++."""

    network: Network
    accelerator: Accelerator
    source: Source

    def vectors(self, x: NDArray[np.integer]) -> Vectors:
        """What every tensor holds for samples ``x`` [N, *input shape]."""
        sums = ordered_sums(self.network, self.accelerator)
        return Emulator(self.network, self.accelerator.arithmetic.contract, sums=sums).trace(x)


@dataclass(frozen=True)
class Testbench:
    """A built testbench, and with what; ``seconds`` is what building took, 0 from cache.

    ``types`` is where those of a vendor are from.
    """

    executable: Path
    compiler: Tool
    flavor: Flavor
    types: Tool | None
    cached: bool
    seconds: float

    @property
    def title(self) -> str:
        """Compiler and types, as reports name them."""
        origin = f" of {self.types.name} {self.types.version}".rstrip() if self.types else ""
        return f"{self.compiler.name} {self.compiler.version}, {self.flavor.value} types{origin}"


def hls_design(network: Network, accelerator: Accelerator) -> HlsDesign:
    """The C++ of ``network``.

    Raises
    ------
    ConfigError
        Layers or options that cannot be exported.
    """
    return HlsDesign(network, accelerator, assemble(network, accelerator))


def verify_hls(
    design: HlsDesign,
    flavor: Flavor,
    samples: NDArray[np.integer],
    directory: Path,
    names: Sequence[str] | None = None,
    progress: Progress = lambda what: None,
) -> VerifyReport:
    """Run every layer of ``design`` on what it meets in the network, then the whole network, and compare.

    Parameters
    ----------
    design:
        From `hls_design`.
    flavor:
        Whose types the C++ is compiled with.
    samples:
        Input codes [N, *input shape], N at least 1.
    directory:
        Where the C++, vectors, results and logs go.
    names:
        Only these layers, and not the whole network.
    progress:
        Told what is being done.

    Raises
    ------
    ConfigError
        When ``names`` has one of no layer.
    ToolError
        When a tool is missing or fails.
    """
    begun = time.monotonic()
    runs = _chosen(design, names)
    compiler, make = tools.find_compiler(), tools.find_make()
    types = None if flavor is Flavor.PORTABLE else find_types(flavor)
    progress("emulating")
    vectors = design.vectors(samples)
    progress("writing C++")
    sources = project_files(design.source, flavor)
    write_files({**sources, **vector_files(design.source, vectors)}, directory)
    bench = _build(sources, flavor, compiler, types, make, progress)
    started = time.monotonic()
    outputs = directory / "outputs"
    code, said = _run(bench, directory, outputs, [run.name for run in runs], progress)
    ended = time.monotonic()
    reports = [run.compare(vectors, outputs) for run in runs]
    match = all(report.match for report in reports)
    failure = None if code in (0, 1) and all(run.path(outputs).exists() for run in runs) else said
    if failure is None and match != (code == 0):
        raise ToolError(f"the testbench ended with {code}, but its outputs say otherwise: {said}")
    return VerifyReport(
        planned=len(runs),
        host=(),
        simulator=bench,
        samples=len(samples),
        layers=tuple(report for report in reports if report.name != WHOLE),
        network=next((report for report in reports if report.name == WHOLE), None),
        failure=failure,
        tampered=None,
        waveform=None,
        interrupted=False,
        simulation_seconds=ended - started,
        seconds=ended - begun,
    )


@dataclass(frozen=True)
class _HlsRun:
    """A layer, or the whole network: its output's tensor in the network, and the file that it goes to."""

    name: str
    macs: int
    tensor: str
    file: str
    shape: tuple[int, ...]

    def path(self, outputs: Path) -> Path:
        return outputs / f"{self.file}.txt"

    def compare(self, vectors: Vectors, outputs: Path) -> RunReport:
        expected = vectors[self.tensor].reshape(len(vectors[self.tensor]), -1)
        path = self.path(outputs)
        if not path.exists():
            return unfinished_codes(self.name, self.macs, expected.size)
        actual = np.array(path.read_text(encoding="ascii").split(), dtype=np.int64)
        return compare_codes(self.name, self.shape, self.macs, expected, actual.reshape(len(expected), -1))


def _chosen(design: HlsDesign, names: Sequence[str] | None) -> list[_HlsRun]:
    source = design.source
    layers = [
        _HlsRun(layer.layer, layer.macs, layer.output.tensor, layer.output.name, layer.output.shape)
        for layer in source.layers
    ]
    if names is not None:
        known = [run.name for run in layers]
        faults = [unknown_name(name, known) for name in names if name not in known]
        if faults:
            raise ConfigError("\n".join(faults))
        return [run for run in layers if run.name in names]
    macs = sum(run.macs for run in layers)
    return [*layers, _HlsRun(WHOLE, macs, source.output.tensor, "output", source.output.shape)]


def _build(
    sources: dict[str, str], flavor: Flavor, compiler: Tool, types: Tool | None, make: Tool, progress: Progress
) -> Testbench:
    """Compile the project by its own Makefile, in the cache; vectors are no part of it."""
    begun = time.monotonic()
    words = [*make.command, f"CXX={make_command(compiler.command)}", f"CXXFLAGS={_FLAGS}"]
    if types:
        words.append(f"TYPES={types.origin}")

    def build(directory: Path) -> None:
        write_files(sources, directory)
        log = directory / "make.log"
        progress("compiling")
        if run_child("make", words, log, directory, os.environ, begun, lambda seconds: progress("compiling")):
            text = log.read_text(encoding="utf-8", errors="replace")
            raise ToolError(f"the C++ does not compile: {first_error(text)}")

    parts = [text for item in sorted(sources.items()) for text in item]
    key = content_key([*parts, *words[1:], compiler.identity, types.identity if types else ""])
    directory, cached = cached_build("simulators", key, build)
    return Testbench(directory / BENCH, compiler, flavor, types, cached, 0.0 if cached else time.monotonic() - begun)


def _run(bench: Testbench, directory: Path, outputs: Path, names: Sequence[str], progress: Progress) -> tuple[int, str]:
    """Exit code of the testbench, and the last line that it said; what it computed is in ``outputs``."""
    outputs.mkdir(parents=True, exist_ok=True)
    for old in outputs.iterdir():
        old.unlink()
    log = directory / "testbench.log"
    vectors = str((directory / "tb" / "vectors").resolve())
    command = [str(bench.executable), "--vectors", vectors, "--outputs", str(outputs.resolve()), *names]
    what = "running the C++"
    progress(what)
    begun = time.monotonic()
    code = run_child("the testbench", command, log, directory, os.environ, begun, lambda seconds: progress(what))
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return code, said[-1] if said else f"the testbench ended with {code} and said nothing"
