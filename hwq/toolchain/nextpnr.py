"""Placing and routing netlists with nextpnr, cached by content."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwq.errors import ToolError
from hwq.toolchain.cache import cached_build, content_key
from hwq.toolchain.children import Tick, run_child
from hwq.toolchain.tools import MissingError, Tool, TooOldError, package_version, parse_version, printed
from hwq.toolchain.verilator import first_error
from hwq.toolchain.yosys import Netlist

ARCHITECTURES = ("ecp5", "ice40", "himbaechel-gowin")
"""Families of devices that hwq has nextpnr place in; each has a program, and a wheel, of its own."""

#: The oldest that writes what is read here.
MINIMUM_NEXTPNR = (0, 7)

_INSTALL = "pip install 'hwq[synth]', or a native {} on PATH"
_NETLIST, _REPORT, _LOG = "netlist.json", "report.json", "nextpnr.log"

#: What it says where cells do not find a place, though it counted enough of each kind.
_NO_PLACE = re.compile(
    r"ERROR: (.*(?:no B[Ee][Ll]s remaining|[Uu]nable to find (?:a )?legal placement|utilisation limit).*)"
)


@dataclass(frozen=True)
class Placement:
    """What nextpnr made of a netlist.

    Parameters
    ----------
    log:
        All that it printed.
    report:
        Its own report of timing, JSON; ``None`` where the netlist found no place.
    nextpnr:
        What placed and routed.
    cached:
        Whether it was there already.
    seconds:
        What it took, 0 from cache.
    """

    log: str
    report: str | None
    nextpnr: Tool
    cached: bool
    seconds: float


def find_nextpnr(architecture: str) -> Tool:
    """The nextpnr of one of `ARCHITECTURES`: native, else its wheel.

    The wheel runs in a sandbox: hand it paths relative to the working directory.

    Raises
    ------
    ToolError
        When there is none, or it is too old.
    """
    name = f"nextpnr-{architecture}"
    install = _INSTALL.format(name)
    old: Tool | None = None
    path = shutil.which(name)
    if path is not None:
        # "nextpnr-ecp5" -- Next Generation Place and Route (Version nextpnr-0.7-1-g2d0ce0a)
        said = re.search(r"Version (?:nextpnr-)?([\d.]+)", printed([path, "--version"]))
        if said:
            native = Tool(name, said[1], path, (path,))
            if parse_version(said[1]) >= MINIMUM_NEXTPNR:
                return native
            old = native
    package = f"yowasp-{name}"
    module, version = package.replace("-", "_"), package_version(package)
    if version is not None and importlib.util.find_spec(module) is not None:
        run = f"run_{name.replace('-', '_')}"
        start = f"import sys, {module}; sys.exit({module}.{run}(sys.argv[1:]))"
        wheel = Tool(name, version, f"wheel {package}", (sys.executable, "-c", start))
        if parse_version(version) >= MINIMUM_NEXTPNR:
            return wheel
        old = old or wheel
    if old is not None:
        raise TooOldError(old, MINIMUM_NEXTPNR, install)
    raise MissingError(name, install)


def place(
    netlist: Netlist,
    architecture: str,
    arguments: Sequence[str],
    files: Mapping[str, str],
    tick: Tick | None = None,
) -> Placement:
    """Place and route a netlist, or take the result from the cache.

    Parameters
    ----------
    netlist:
        From `hwq.toolchain.yosys.map_design`.
    architecture:
        As `find_nextpnr` has it.
    arguments:
        Device, constraints, seed.
    files:
        Text of files that the arguments name.
    tick:
        Called while it runs.

    Raises
    ------
    ToolError
        When nextpnr is missing, or fails for anything but lack of room.
    """
    nextpnr = find_nextpnr(architecture)
    wanted = ["--json", _NETLIST, "--top", netlist.top, "--report", _REPORT, *arguments]
    named = [part for name, text in sorted(files.items()) for part in (name, text)]
    key = content_key([netlist.key, nextpnr.identity, *wanted, *named])
    begun = time.monotonic()

    def build(directory: Path) -> None:
        for name, text in files.items():
            (directory / name).write_text(text, encoding="utf-8")
        copy = directory / _NETLIST
        shutil.copyfile(netlist.path, copy)
        log = directory / _LOG
        environment = {**os.environ, **nextpnr.environment}
        code = run_child(nextpnr.name, [*nextpnr.command, *wanted], log, directory, environment, begun, tick)
        copy.unlink()
        text = log.read_text(encoding="utf-8", errors="replace")
        if code and not lacks_room(text):
            raise ToolError(f"{nextpnr.name} failed: {first_error(text)}")
        if code:
            (directory / _REPORT).unlink(missing_ok=True)

    directory, cached = cached_build("placements", key, build)
    log, report = directory / _LOG, directory / _REPORT
    return Placement(
        log.read_text(encoding="utf-8", errors="replace"),
        report.read_text(encoding="utf-8") if report.exists() else None,
        nextpnr,
        cached,
        0.0 if cached else time.monotonic() - begun,
    )


def utilization(log: str) -> dict[str, tuple[int, int]]:
    """By kind of place how many a netlist takes, and how many the device has, from nextpnr's log."""
    _, _, after = log.partition("Device utilisation:\n")
    found = {}
    for line in after.splitlines():
        said = re.fullmatch(r"Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%", line)
        if said is None:
            break
        found[said[1]] = int(said[2]), int(said[3])
    return found


def no_place(log: str) -> str | None:
    """What nextpnr says of cells that found no place; ``None`` where it says nothing."""
    said = _NO_PLACE.search(log)
    return said[1] if said else None


def lacks_room(log: str) -> bool:
    """Whether a netlist is too large for the device."""
    # Of some kinds a device has none by nextpnr's count, and it does without: Gowin's DUMMY_CELL.
    counted = any(used > available > 0 for used, available in utilization(log).values())
    return counted or no_place(log) is not None
