"""``hwq report``: a sweep's results, or a project, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwq.cli import console
from hwq.cli.inputs import named_path
from hwq.cli.projects import open_design
from hwq.errors import ConfigError
from hwq.explore.store import reading
from hwq.export.files import writing
from hwq.report.pictures import write_pictures
from hwq.report.project import project_report
from hwq.report.sweep import sweep_report
from hwq.toolchain.tools import find_browser


def command(
    subject: Annotated[
        Path, typer.Argument(metavar="DIR_OR_PROJECT", help="The results of a sweep, or a project's .yaml.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.html",
            parser=named_path,
            help="The report; DIR/report.html, or PROJECT.html beside the project, without it.",
        ),
    ] = None,
    png: Annotated[
        Path | None,
        typer.Option(metavar="DIR", parser=named_path, help="Also write its plots as pictures there, by Chromium."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Write a report that opens in any browser, without a network: one HTML file.

    Of a sweep, which may still run: trade-offs between any two figures, parallel coordinates, figures by axis, every
    point with its project, what failed and why. Of a project: what the cycles of each layer go to, memories,
    arithmetic, which widths are certified. The same results give the same file.
    """
    browser = None if png is None else find_browser()
    is_project = subject.suffix.lower() in (".yaml", ".yml") and not subject.is_dir()
    if not is_project and subject.is_file():
        raise ConfigError(f"{subject}: a file; give the folder of a sweep's results, or a project's .yaml")
    path = output or (subject.with_suffix(".html") if is_project else subject / "report.html")
    if path.is_dir():
        raise ConfigError(f"--output {path}: is a folder; name a file: {path / 'report.html'}")
    with console.waiting("writing the report"):
        page = _project(subject) if is_project else _sweep(subject)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(page, encoding="utf-8")
        pictures = [] if browser is None or png is None else write_pictures(path, page, png, browser)
    if as_json:
        console.print_json({"report": str(path), "bytes": path.stat().st_size, "pictures": list(map(str, pictures))})
        return
    out = console.output()
    out.print(f"Report   {path}", soft_wrap=True)
    for picture in pictures:
        out.print(f"Picture  {picture}", soft_wrap=True)


def _sweep(folder: Path) -> str:
    with reading(folder) as store:
        return sweep_report(store)


def _project(path: Path) -> str:
    opened = open_design(path)
    return project_report(opened.project, opened.design)
