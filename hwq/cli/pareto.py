"""``hwq pareto``: the points of a sweep that no other one beats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hwq.cli import console
from hwq.cli.points import points_table, record
from hwq.explore.pareto import candidates, front, wanted
from hwq.explore.store import reading

#: The option ``--objectives`` of the verbs that choose.
Objectives = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Figures that decide, separated by commas; the sweep's without it."),
]

#: The option ``--where`` of the verbs that choose.
Where = Annotated[
    str | None,
    typer.Option(metavar="CONDITION", help='Only points that meet it: "cycles <= 60000 and accuracy >= 0.9".'),
]


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The results of a sweep.")],
    objectives: Objectives = None,
    where: Where = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Show the Pareto front: the points that no other one beats in every objective.

    Only points that meet the sweep's constraints count. The results may still be growing.
    """
    with reading(folder) as store:
        want = wanted(store, objectives, where)
        rows = candidates(store.rows(), want)
        axes = store.fact("varying")
    found = front(rows, want.objectives)
    if as_json:
        console.print_json(
            {"objectives": list(want.objectives), "candidates": len(rows), "front": [record(row) for row in found]}
        )
        return
    out = console.output()
    if found:
        out.print(points_table(found, axes, want.objectives, out))
        out.print()
    console.say(f"{len(found):,} of {len(rows):,} points, by {', '.join(want.objectives)}")
