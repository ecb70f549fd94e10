"""``hwq doctor``: the tools that are there, and what to install where one is missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from hwq.cli import console, exit_codes
from hwq.toolchain.survey import Finding, Status, survey


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> int:
    """List the tools hwq uses: version, origin, use, and what to install where one is missing.

    Exit code 2 when a required tool is missing or too old.
    """
    findings = survey()
    lacking = [finding for finding in findings if finding.required and finding.status is not Status.OK]
    if as_json:
        console.print_json({"ok": not lacking, "tools": [asdict(finding) for finding in findings]})
    else:
        _print(findings, lacking)
    return exit_codes.BAD_INPUT if lacking else exit_codes.GOOD


def _print(findings: list[Finding], lacking: list[Finding]) -> None:
    out = console.output()
    table = console.table()
    for header in ("Tool", "Status", "Version", "For"):
        table.add_column(header, no_wrap=True, max_width=24 if header == "For" else 16)
    table.add_column("Origin, or what to install")
    for required in (True, False):
        for finding in findings:
            if finding.required is required:
                table.add_row(*_cells(finding))
        table.add_section()
    out.print(table)
    out.print()
    if lacking:
        out.print(f"Missing or too old: {', '.join(finding.name for finding in lacking)}.", style="red")
    else:
        out.print("Every required tool is there.", style="green")


def _cells(finding: Finding) -> tuple[str | Text, ...]:
    good = finding.status is Status.OK
    style = "green" if good else "red" if finding.required else "yellow"
    place = (
        Text(finding.origin, style="dim")
        if good
        else Text(("" if finding.required else "optional: ") + finding.install)
    )
    # The build number that packagers append to a version is for --json.
    version = finding.version.partition(".post")[0]
    return finding.name, Text(finding.status, style=style), version, finding.purpose, place
