"""Synthesizing a design for a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hwq.synth.targets import Target
from hwq.synth.timing import Timing, read_timing
from hwq.synth.usage import Usage, usage
from hwq.toolchain.children import Tick
from hwq.toolchain.nextpnr import find_nextpnr, no_place, place, utilization
from hwq.toolchain.tools import Tool
from hwq.toolchain.yosys import Netlist, find_mapper, map_design

#: The only ports that become pins: the design is part of something larger.
_PADS = ("clk", "rst")


@dataclass(frozen=True)
class Synthesis:
    """What synthesis found.

    Parameters
    ----------
    target:
        What it was for.
    usage:
        By resource what is taken.
    refusal:
        What nextpnr says of cells that found no place; ``None`` where all did, or nothing was placed.
    timing:
        Clocks and their slowest paths; ``None`` where nothing was placed.
    cells:
        How many cells of each kind Yosys counted.
    tools:
        What was run.
    cached:
        Whether all of it was there already.
    seconds:
        What it took.
    """

    target: Target
    usage: Mapping[str, Usage]
    refusal: str | None
    timing: Timing | None
    cells: Mapping[str, int]
    tools: tuple[Tool, ...]
    cached: bool
    seconds: float

    @property
    def shortages(self) -> list[Usage]:
        """Resources that the device has too few of."""
        return [used for used in self.usage.values() if not used.fits]

    @property
    def fits(self) -> bool:
        """Whether the device holds the design."""
        return not self.shortages and self.refusal is None


def find_tools(target: Target) -> tuple[Tool, ...]:
    """What synthesis for a target runs.

    Raises
    ------
    ToolError
        When a tool is missing or too old.
    """
    placers = [] if target.placer is None else [find_nextpnr(target.placer.architecture)]
    return (find_mapper(), *placers)


def count_cells(verilog: str, top: str, target: Target, tick: Tick | None = None) -> Netlist:
    """Map a design to the cells of a target and go no further; parameters and errors as those of `synthesize`."""
    return map_design(verilog, top, target.synthesis, _PADS, target.finish, tick)


def synthesize(verilog: str, top: str, target: Target, show: Callable[[str], None]) -> Synthesis:
    """Map, place and route a design; what was done before comes from the cache.

    Parameters
    ----------
    verilog:
        The design's text, whose clock is called ``clk`` and whose reset ``rst``.
    top:
        Name of its top module.
    target:
        What it is for.
    show:
        Called with what is being done, as long as it is.

    Raises
    ------
    ToolError
        When a tool is missing, or fails for anything but lack of room.
    """
    tools = find_tools(target)

    def showing(what: str) -> Callable[[float], None]:
        return lambda seconds: show(what)

    netlist = count_cells(verilog, top, target, showing(f"mapping to {target.device} with Yosys"))
    if target.placer is None:
        taken = usage(target, netlist.cells, {})
        return Synthesis(target, taken, None, None, netlist.cells, tools, netlist.cached, netlist.seconds)
    placer = target.placer
    doing = showing(f"placing and routing in {target.device} with nextpnr")
    placement = place(netlist, placer.architecture, placer.command, placer.files, doing)
    return Synthesis(
        target,
        usage(target, netlist.cells, utilization(placement.log)),
        no_place(placement.log),
        None if placement.report is None else read_timing(placement.report),
        netlist.cells,
        tools,
        netlist.cached and placement.cached,
        netlist.seconds + placement.seconds,
    )
