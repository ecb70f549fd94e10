"""``hwq doctor``: the tools that are there, and what to install where one is missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from hwq.cli import console, exit_codes
from hwq.cli.tables import Column, Row, fitted
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
    rows: list[Row] = []
    for required in (True, False):
        group = [finding for finding in findings if finding.required is required]
        rows += [Row(_cells(finding), section=bool(rows) and finding is group[0]) for finding in group]
    out.print(fitted(_COLUMNS, rows, out))
    hints = [finding for finding in findings if finding.status is not Status.OK]
    if hints:
        out.print()
    for finding in hints:
        # Below the table, in lines as long as the terminal's: what to type is not to be read from a tower.
        optional = "" if finding.required else "optional: "
        out.print(Text.assemble((finding.name, _style(finding)), f": {optional}{finding.install}"))
    out.print()
    if lacking:
        out.print(f"Missing or too old: {', '.join(finding.name for finding in lacking)}.", style="red")
    else:
        out.print("Every required tool is there.", style="green")


_COLUMNS = (Column("Tool"), Column("Status"), Column("Version"), Column("For", drop=1), Column("Origin", drop=2))


def _style(finding: Finding) -> str:
    return "green" if finding.status is Status.OK else "red" if finding.required else "yellow"


def _cells(finding: Finding) -> tuple[str | Text, ...]:
    # The build number that packagers append to a version is for --json.
    version = finding.version.partition(".post")[0]
    status = Text(finding.status, style=_style(finding))
    return finding.name, status, version, finding.purpose, Text(finding.origin, style="dim")
