"""Building simulators with Verilator, cached by content."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hwq.errors import ToolError
from hwq.toolchain import tools
from hwq.toolchain.cache import cached_build, content_key
from hwq.toolchain.children import Tick, run_child
from hwq.toolchain.plain_paths import PlainFolder, plain_folder
from hwq.toolchain.tools import Tool

_EXECUTABLE = "simulator"

# The wheel's verilated.mk was not configured for a compiler; these fill in what its configure step would have found,
# and are what configure finds with g++ and clang++ anyway.
_MAKE_VARIABLES = ("CFG_CXXFLAGS_PCH_I=-include", "CFG_CXXFLAGS_STD=-std=gnu++17", "CFG_LDLIBS_THREADS=-pthread")


class Trace(StrEnum):
    """Format of a waveform."""

    FST = "fst"
    VCD = "vcd"


@dataclass(frozen=True)
class Simulator:
    """A built simulator; ``seconds`` is what building took, 0 from cache."""

    executable: Path
    verilator: Tool
    trace: Trace | None
    cached: bool
    seconds: float

    @property
    def title(self) -> str:
        """What simulates, as reports name it."""
        return f"verilator {self.verilator.version}"


@dataclass(frozen=True)
class Harness:
    """C++ that drives the design: a ``main``, and names of libraries it links with, in one directory.

    The libraries are looked for again when the simulator starts. ``identity`` tells one version from another.
    """

    main: Path
    library_directory: Path
    libraries: tuple[str, ...]
    identity: str


def trace_format() -> Trace:
    """FST where its headers are found, else VCD."""
    try:
        tools.find_fst_headers()
    except ToolError:
        return Trace.VCD
    return Trace.FST


def public_ports(top: str, ports: Sequence[str]) -> str:
    """Verilator configuration that lets a bench reach ``ports`` of ``top`` and nothing else.

    Making every signal public costs minutes of compile time on a large array.
    """
    lines = [f'public_flat_rw -module "{top}" -var "{port}"' for port in ports]
    return "\n".join(["`verilator_config", *lines, ""])


def build_simulator(
    verilog: str,
    top: str,
    control: str,
    harness: Harness,
    trace: Trace | None = None,
    tick: Tick | None = None,
) -> Simulator:
    """Compile a design to a simulator, or take it from the cache.

    Parameters
    ----------
    verilog:
        The design's text.
    top:
        Name of its top module.
    control:
        Verilator configuration: waivers, public signals.
    harness:
        The program around the model.
    trace:
        Waveform format to be compiled in.
    tick:
        Called while building.

    Raises
    ------
    ToolError
        When a tool is missing, or a step fails; the message holds the tool's own first error.
    """
    build = _Build(verilog, top, control, harness, trace, tick)
    directory, cached = cached_build("simulators", build.key, build.run)
    seconds = 0.0 if cached else time.monotonic() - build.begun
    return Simulator(directory / _EXECUTABLE, build.verilator, trace, cached, seconds)


class _Build:
    """The steps of one build; parameters as in `build_simulator`."""

    def __init__(
        self, verilog: str, top: str, control: str, harness: Harness, trace: Trace | None, tick: Tick | None
    ) -> None:
        self.verilator, compiler, make = tools.find_verilator(), tools.find_compiler(), tools.find_make()
        tools.find_perl()
        self.begun = time.monotonic()
        self._tick = tick
        self._texts = {"design.v": verilog, "control.vlt": control}
        self._harness = harness
        common = ["--cc", "--exe", "--vpi", "--prefix", "Vtop", "-o", _EXECUTABLE, "-Wno-fatal"]
        common += ["--timescale", "1ns/1ps", "--x-initial", "unique", "-O3", "-CFLAGS", "-O1"]
        common += [f"--trace-{trace}"] if trace else []
        self._flags = [*common, "--top-module", top]
        for library in harness.libraries:
            self._flags += ["-LDFLAGS", f"-l{library}"]
        self._make = [*make.command, "-j", str(os.cpu_count() or 1), "-f", "Vtop.mk", *_MAKE_VARIABLES]
        compile_ = make_command(compiler.command)
        # verilated.mk runs a script with whatever is called python, which many systems do not have.
        self._make += [f"CXX={compile_}", f"LINK={compile_}", f"PYTHON3={make_command([sys.executable])}"]
        tool_parts = [*_MAKE_VARIABLES, self.verilator.identity, compiler.version, *compiler.command]
        self.key = content_key([verilog, control, harness.identity, *self._flags, *tool_parts])
        self._runtime_key = content_key([*common, *tool_parts])

    def run(self, directory: Path) -> None:
        """Leave the executable, its sources, and the logs of what made it, in ``directory``."""
        with plain_folder() as work:
            self._run(directory, work)

    def _run(self, directory: Path, work: PlainFolder) -> None:
        for name, text in self._texts.items():
            (directory / name).write_text(text, encoding="utf-8")
            (work.path / name).write_text(text, encoding="utf-8")
        objects = work.path / "obj"
        environment, program = dict(self.verilator.environment), self.verilator.command
        if "VERILATOR_ROOT" in environment:
            root = work.named(environment["VERILATOR_ROOT"])
            program = (str(root / "bin" / "verilator"),)
            # By itself the script follows links back to the real path, which it then hands to a shell as it is.
            environment = {"VERILATOR_ROOT": str(root), "VERILATOR_BIN": str(root / "bin" / "verilator_bin")}
        link = ["-LDFLAGS", f"-L{work.named(self._harness.library_directory)}"]
        sources = ["control.vlt", "design.v", str(work.named(self._harness.main))]
        verilate = [*program, *link, *self._flags, "--Mdir", str(objects), *sources]

        def step(name: str, command: list[str]) -> None:
            log = directory / f"{name}.log"
            if run_child(name, command, log, work.path, {**os.environ, **environment}, self.begun, self._tick):
                text = log.read_text(encoding="utf-8", errors="replace")
                raise ToolError(f"{name} failed, so there is no simulator to run: {first_error(text)}")

        step("verilator", verilate)
        make = [*self._make, "-C", str(objects)]

        def compile_runtime(target: Path) -> None:
            names = _runtime_objects(objects)
            step("make", [*make, *names])
            for name in names:
                shutil.copyfile(objects / name, target / name)

        runtime, was_there = cached_build("verilated", self._runtime_key, compile_runtime)
        if was_there:
            for path in runtime.iterdir():
                shutil.copyfile(path, objects / path.name)
        step("make", make)
        shutil.move(objects / _EXECUTABLE, directory / _EXECUTABLE)


def _runtime_objects(objects: Path) -> list[str]:
    """Object files of Verilator's own library, which are the same for every design."""
    text = (objects / "Vtop_classes.mk").read_text(encoding="utf-8").replace("\\\n", " ")
    lists = re.findall(r"^VM_GLOBAL_(?:FAST|SLOW) \+=(.*)$", text, flags=re.MULTILINE)
    return [f"{name}.o" for names in lists for name in names.split()]


#: What only repeats that something failed: Verilator's own summary, and make's.
_SUMMARY = re.compile(r"%Error: (?:Command Failed|Exiting due to)|\*\*\* ")
_ERROR = re.compile(
    r"%Error|\berror\b:|fatal error|undefined reference|cannot find -l|\bKilled\b"
    r"|\bnot found\b|No such file or directory|Permission denied|No space left on device",
    flags=re.IGNORECASE,
)


def first_error(log: str) -> str:
    """The line of ``log`` that says what went wrong, with the line that follows it."""
    lines = [line.rstrip() for line in log.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if _ERROR.search(line) and not _SUMMARY.search(line):
            after = [line for line in lines[number + 1 : number + 2] if not _SUMMARY.search(line)]
            return "\n".join([line, *after])
    return "\n".join(lines[-3:]) or "it said nothing"


def make_command(words: Sequence[str]) -> str:
    """A command as the value of a make variable that recipes start programs with."""
    return shlex.join(words).replace("$", "$$")
