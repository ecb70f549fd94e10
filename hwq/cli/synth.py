"""``hwq synth``: what a project's accelerator takes of an FPGA, and how fast its clock may be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hwq.cli import console, exit_codes
from hwq.cli.phases import phases
from hwq.cli.projects import open_design
from hwq.cli.tables import Column, Row, fitted
from hwq.export.verilog import TOP, emit_verilog
from hwq.synth.synthesis import Synthesis, find_tools, synthesize
from hwq.synth.targets import TARGETS, TargetName
from hwq.synth.timing import Path as TimingPath
from hwq.synth.usage import Usage


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT.yaml", help="The project.")],
    target: Annotated[TargetName, typer.Option(help="The FPGA.")] = TargetName.ECP5_85K,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> int:
    """Synthesize a project's accelerator with Yosys and nextpnr: cells taken, clock frequency, critical path.

    Nothing open places designs in Xilinx devices: for those it counts cells, and says nothing of clocks. The same
    project and tools give the same result, which is kept in the cache. Exit code 1 when the design does not fit.
    """
    chosen = TARGETS[target]
    with phases() as show:
        find_tools(chosen)
        show("reading")
        opened = open_design(project)
        show("writing Verilog")
        verilog = emit_verilog(opened.design.program.accelerator)
        found = synthesize(verilog, TOP, chosen, show)
    if as_json:
        console.print_json(_json(opened.project.name, found))
    else:
        _print(opened.project.name, found)
    return exit_codes.GOOD if found.fits else exit_codes.MISMATCH


def _json(project: str, found: Synthesis) -> dict[str, Any]:
    timing = found.timing
    return {
        "project": project,
        "target": found.target.name.value,
        "device": found.target.device,
        "fits": found.fits,
        "placed": timing is not None,
        "resources": {
            key: {"name": used.name, "used": used.used, "available": used.available, "fits": used.fits}
            for key, used in found.usage.items()
        },
        "refusal": found.refusal,
        "fmax_mhz": None if timing is None else {clock: round(mhz, 2) for clock, mhz in timing.fmax_mhz.items()},
        "critical_paths": [] if timing is None else [_path_json(path) for path in timing.paths.values()],
        "cells": dict(found.cells),
        "tools": {tool.name: {"version": tool.version, "origin": tool.origin} for tool in found.tools},
        "cached": found.cached,
        "seconds": round(found.seconds, 3),
    }


def _path_json(path: TimingPath) -> dict[str, Any]:
    return {
        "clock": path.clock,
        "from": path.start,
        "to": path.end,
        "delay_ns": round(path.delay_ns, 3),
        "steps": [
            {
                "kind": step.kind,
                "delay_ns": round(step.delay_ns, 3),
                "signal": step.signal,
                "net": step.net or None,
                "cell": step.cell,
            }
            for step in path.steps
        ],
    }


_COLUMNS = (Column("Resource"), Column("Used", right=True), Column("Available", right=True), Column("Use", right=True))
_PATH_COLUMNS = (Column("Signal"), Column("After, ns", right=True))


def _print(project: str, found: Synthesis) -> None:
    out = console.output()
    target, timing = found.target, found.timing
    out.print(f"{project} in {target.device}", style="bold", soft_wrap=True)
    out.print(fitted(_COLUMNS, [Row(_cells(used), "" if used.fits else "red") for used in found.usage.values()], out))
    out.print()
    for clock, mhz in ({} if timing is None else timing.fmax_mhz).items():
        console.say(f"Clock {clock}: up to {mhz:.1f} MHz")
    for path in () if timing is None else timing.paths.values():
        console.say(f"Critical path of {path.clock}, {path.delay_ns:.2f} ns, from {path.start} to {path.end}:")
        rows = [Row((signal, f"{passed:.2f}")) for signal, passed in path.signals]
        out.print(fitted(_PATH_COLUMNS, rows, out))
        out.print()
    if target.placer is None:
        console.say("Cells as Yosys counts them, before placement, which nothing open does for this device: no clock.")
    shortages = [f"{used.name}: {used.used:,} used, {used.available:,} available" for used in found.shortages]
    if shortages:
        console.say(f"DOES NOT FIT {target.device}: {'; '.join(shortages)}", "bold red")
    elif found.refusal is not None:
        console.say(f"DOES NOT FIT {target.device}: {found.refusal}", "bold red")
    else:
        console.say(f"FITS {target.device}", "bold green")
    tools = ", ".join(f"{tool.name} {tool.version} ({tool.origin})" for tool in found.tools)
    took = "from cache" if found.cached else f"in {found.seconds:.0f} s"
    console.say(f"{tools}; {took}", "dim")


def _cells(used: Usage) -> tuple[str, ...]:
    share = f"{used.used / used.available:.0%}" if used.available else ""
    return used.name, f"{used.used:,}", f"{used.available:,}", share
