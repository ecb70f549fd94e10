"""``hwq sweep``: many variants of a project, each with its figures."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from hwq.cli import console, exit_codes
from hwq.cli.inputs import named_path
from hwq.cli.points import points_table
from hwq.config.faults import nearest
from hwq.errors import ConfigError
from hwq.explore.document import load_sweep
from hwq.explore.execution import LocalProcesses
from hwq.explore.export import FORMATS, export
from hwq.explore.pareto import candidates, front, wanted
from hwq.explore.points import sweep_points
from hwq.explore.store import Counts, Row, Store, reading, writing
from hwq.explore.sweeping import enter_sweep, run_sweep

#: Points that the table at the end shows at most, and reasons of failures.
_MOST_SHOWN, _MOST_REASONS = 40, 3


def command(
    sweep: Annotated[
        Path | None, typer.Argument(metavar="SWEEP.yaml", help="The sweep: a base project and what varies.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", parser=named_path, help="Where the results are, or go."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=1024, help="Processes; one for each core by default.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Evaluate points that failed once more.")] = False,
    status: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Only say how far the sweep in DIR is, running or not.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--export", metavar="FORMAT", help="Write all points to DIR/results.FORMAT: csv, json, parquet."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> int:
    """Evaluate every point of a sweep: accuracy on the project's samples, exact cycles, memory.

    Results go to DIR as they come. A sweep that was interrupted or killed goes on where it was when the same command is
    given again. Points that fail are recorded with the reason.
    """
    if form is not None and form not in FORMATS:
        raise ConfigError(f"--export: no format {form!r}; {nearest(form, FORMATS)}")
    if status is not None:
        if sweep is not None or output is not None or form is not None:
            raise ConfigError("--status DIR stands alone: it runs and writes nothing")
        return _status(status, as_json)
    if output is None:
        raise ConfigError("name the folder of the results: -o DIR")
    if sweep is None:
        if form is None:
            raise ConfigError(f"name a sweep to run: hwq sweep SWEEP.yaml -o {output}")
        with reading(output) as store:
            return _exported(export(store, form), as_json)
    begun = time.monotonic()
    loaded = load_sweep(sweep)
    with console.waiting("checking every point"):
        points = sweep_points(loaded, output)
    with writing(output) as store:
        keys = enter_sweep(loaded, points, store, retry=retry)
        with (
            LocalProcesses(workers or _cores()) as processes,
            console.patient_interrupts() as interrupted,
            console.progress("evaluating", "points") as report,
        ):
            counts = run_sweep(loaded, points, store, keys, processes, report, interrupted)
        written = None if form is None else export(store, form)
        return _report(store, counts, written, time.monotonic() - begun, as_json)


def _cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _status(folder: Path, as_json: bool) -> int:
    with reading(folder) as store:
        counts = store.counts()
    if as_json:
        console.print_json({"directory": str(folder), **vars(counts)})
    else:
        out = console.output()
        for name, value in vars(counts).items():
            out.print(f"{name:<9}{value:>9,}")
    return exit_codes.GOOD


def _exported(path: Path, as_json: bool) -> int:
    if as_json:
        console.print_json({"exported": str(path)})
    else:
        console.output().print(f"Exported  {path}", soft_wrap=True)
    return exit_codes.GOOD


def _report(store: Store, counts: Counts, written: Path | None, seconds: float, as_json: bool) -> int:
    """Show what there is; an interrupted sweep has less."""
    rows = list(store.rows())
    interrupted = counts.done + counts.failed < counts.total
    nothing = counts.failed == counts.total
    failures = Counter(row.error for row in rows if row.error is not None)
    want = wanted(store)
    chosen, objection = _front(rows, want.objectives, store)
    numbers = [row.number for row in chosen]
    if as_json:
        console.print_json(
            {
                "directory": str(store.folder),
                **vars(counts),
                "interrupted": interrupted,
                "seconds": round(seconds, 3),
                "objectives": list(want.objectives),
                "front": numbers,
                "failures": [{"error": error, "points": times} for error, times in failures.most_common()],
                "exported": None if written is None else str(written),
            }
        )
    else:
        _print(store, rows, chosen, want.objectives, counts, failures)
        if written is not None:
            _exported(written, as_json=False)
    if objection:
        console.note(objection)
    if interrupted:
        left = counts.total - counts.done - counts.failed
        console.note(f"interrupted with {left:,} points left; the same command goes on with them")
        return exit_codes.INTERRUPTED
    return exit_codes.BAD_INPUT if nothing else exit_codes.GOOD


def _front(rows: list[Row], objectives: tuple[str, ...], store: Store) -> tuple[list[Row], str]:
    """The front, or nothing and why there is none."""
    try:
        return front(candidates(rows, wanted(store)), objectives), ""
    except ConfigError as error:
        return [], str(error)


def _print(
    store: Store,
    rows: list[Row],
    chosen: list[Row],
    objectives: tuple[str, ...],
    counts: Counts,
    failures: Counter[str],
) -> None:
    out = console.output()
    done = [row for row in rows if row.status == "done"]
    shown = done if len(done) <= _MOST_SHOWN else chosen[:_MOST_SHOWN]
    if shown:
        out.print(points_table(shown, store.fact("varying"), objectives, out, front={row.number for row in chosen}))
        out.print()
    line = f"{counts.done:,} of {counts.total:,} points evaluated"
    if counts.failed:
        line += f", {counts.failed:,} failed"
    if len(shown) < len(done):
        line += f"; shown are {len(shown):,} of the {len(chosen):,} on the front"
    console.say(f"{line}: {store.folder}")
    for error, times in failures.most_common(_MOST_REASONS):
        console.say(f"{times:,} failed: {error}")
    if len(failures) > _MOST_REASONS:
        console.say(f"and {len(failures) - _MOST_REASONS:,} other reasons; --export csv has all of them")
