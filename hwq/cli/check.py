"""``hwq check``: whether a project is fast enough, cool enough and small enough for a device, by models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hwq.cli import console, exit_codes
from hwq.cli.projects import open_design
from hwq.cli.tables import Column, Row, fitted
from hwq.cost.check import Check, Conditions, Figure, check
from hwq.cost.device import load_device


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT.yaml", help="The project.")],
    device: Annotated[str, typer.Option(help="A device that hwq brings, or the path of a device's .yaml.")],
    deadline: Annotated[
        float | None, typer.Option(min=1e-9, max=1e9, help="Milliseconds in which an inference has to be done.")
    ] = None,
    clock_mhz: Annotated[
        float | None, typer.Option(min=0.001, max=100_000, help="The clock; else the device's.")
    ] = None,
    ambient: Annotated[
        float | None, typer.Option(min=-100, max=200, help="Degrees Celsius around the device; else its file's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> int:
    """Check a project against a device: latency, energy, power, temperature, room.

    Cycles and counts are exact; what follows from them is modelled, from the device's file and a table of energies.
    Nothing was measured. Exit code 1 when a figure is beyond its limit.
    """
    chosen = load_device(device)
    opened = open_design(project)
    conditions = Conditions(
        chosen.clock_mhz if clock_mhz is None else clock_mhz,
        chosen.ambient_celsius if ambient is None else ambient,
        deadline,
    )
    found = check(opened.design.program, chosen, conditions)
    host = len(opened.design.host)
    if as_json:
        console.print_json(_json(opened.project.name, found, host))
    else:
        _print(opened.project.name, found, host)
    return exit_codes.GOOD if found.passed else exit_codes.MISMATCH


def _json(project: str, found: Check, host: int) -> dict[str, Any]:
    return {
        "project": project,
        "device": found.device.name,
        "part": found.device.part,
        "evidence": "modelled",
        "passed": found.passed,
        "clock_mhz": found.conditions.clock_mhz,
        "ambient_celsius": found.conditions.ambient_celsius,
        "cycles": found.cycles,
        "host_layers": host,
        "figures": {
            figure.name.replace(" ", "_"): {
                "value": figure.value,
                "unit": figure.unit,
                "limit": figure.limit,
                "margin": figure.margin,
                "good": figure.good,
            }
            for figure in found.figures
        },
        "energy_uj": dict(found.energy),
    }


_COLUMNS = (Column("Modelled"), Column("Value", right=True), Column("Limit", right=True), Column("Margin", right=True))


def _print(project: str, found: Check, host: int) -> None:
    out = console.output()
    out.print(f"{project} on {found.device.part} at {found.conditions.clock_mhz:g} MHz", style="bold", soft_wrap=True)
    rows = [Row((*_cells(figure), _verdict(figure)), "" if figure.good else "red") for figure in found.figures]
    out.print(fitted((*_COLUMNS, Column("")), rows, out))
    if host:
        console.say(f"Layers that the host computes, {host} of them, are not in these figures.")
    failed = [figure.name for figure in found.figures if not figure.good]
    if failed:
        console.say(f"FAIL: {', '.join(failed)}", "bold red")
    else:
        console.say("PASS", "bold green")


def _verdict(figure: Figure) -> str:
    return "" if figure.limit is None else "ok" if figure.good else "beyond"


def _cells(figure: Figure) -> tuple[str, str, str, str]:
    def text(value: float) -> str:
        return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.4g}"

    limit = "" if figure.limit is None else f"{text(figure.limit)} {figure.unit}".rstrip()
    margin = "" if figure.margin is None else f"{figure.margin:.1%}"
    return figure.name, f"{text(figure.value)} {figure.unit}".rstrip(), limit, margin
