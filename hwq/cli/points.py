"""Tables of a sweep's points."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.console import Console, RenderableType

from hwq.cli.tables import Column, Row, fitted
from hwq.explore import store
from hwq.explore.metrics import METRICS
from hwq.explore.space import label_text

#: Figures that are shown beside the objectives where there is room.
_FURTHER = ("accuracy", "cycles", "latency", "utilization", "memory")


def points_table(
    rows: Sequence[store.Row],
    axes: Sequence[str],
    objectives: Sequence[str],
    out: Console,
    *,
    front: Collection[int] | None = None,
) -> RenderableType:
    """Evaluated points: their numbers, choices and figures, and with ``front`` which numbers are on it."""
    shown = [
        name
        for name in dict.fromkeys((*objectives, *_FURTHER))
        if any(row.metrics.get(name) is not None for row in rows)
    ]
    columns = [
        Column("Point"),
        *(Column(axis, right=True, drop=1) for axis in axes),
        *(Column(name.capitalize(), right=True, drop=0 if name in objectives else 9) for name in shown),
        *([Column("Front")] if front is not None else []),
    ]
    lines = []
    for row in rows:
        choices = [label_text(row.choices[axis]) if axis in row.choices else "" for axis in axes]
        figures = [_figure(name, row.metrics.get(name)) for name in shown]
        on_front = [] if front is None else ["*" if row.number in front else ""]
        lines.append(Row((f"{row.number:,}", *choices, *figures, *on_front)))
    return fitted(columns, lines, out)


def _figure(name: str, value: object) -> str:
    return "" if value is None else METRICS[name].text.format(value)


def record(row: store.Row) -> dict[str, object]:
    """A point for ``--json``."""
    return {"number": row.number, "choices": dict(row.choices), "metrics": dict(row.metrics)}
