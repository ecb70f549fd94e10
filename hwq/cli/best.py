"""``hwq best``: the project of a sweep's best point."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwq.cli import console
from hwq.cli.inputs import named_path
from hwq.cli.pareto import Objectives, Where
from hwq.cli.points import points_table, record
from hwq.errors import ConfigError
from hwq.explore.pareto import best, candidates, project_text, wanted
from hwq.explore.store import reading


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The results of a sweep.")],
    where: Where = None,
    objectives: Objectives = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE.yaml", parser=named_path, help="The project; DIR/best.yaml without it."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Write the project of the best point that meets a condition, ready for hwq gen.

    The first objective decides; where several points are equal in it, the next one. Only points that meet the sweep's
    constraints count.
    """
    with reading(folder) as store:
        want = wanted(store, objectives, where)
        rows = list(store.rows())
        axes = store.fact("varying")
    meeting = candidates(rows, want)
    winner = best(meeting, want.objectives)
    if winner is None:
        done = sum(row.status == "done" for row in rows)
        conditions = " and ".join(condition.text for condition in want.conditions) or "every condition"
        raise ConfigError(f"{folder}: none of the {done:,} evaluated points meets {conditions}")
    path = folder / "best.yaml" if output is None else output
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(project_text(winner, folder, path.parent), encoding="utf-8")
    if as_json:
        console.print_json({"project": str(path), "candidates": len(meeting), **record(winner)})
        return
    out = console.output()
    out.print(points_table([winner], axes, want.objectives, out))
    out.print()
    out.print(f"Project  {path}", soft_wrap=True)
