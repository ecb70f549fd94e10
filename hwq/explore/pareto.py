"""The points worth choosing: those that no other one beats in everything, and the best of all that meet a condition."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwq.config.document import parse_document
from hwq.config.faults import nearest
from hwq.config.writing import yaml_text
from hwq.errors import ConfigError
from hwq.explore.expressions import Condition, parse
from hwq.explore.metrics import METRICS
from hwq.explore.points import move_paths
from hwq.explore.space import label_text
from hwq.explore.store import Row, Store


@dataclass(frozen=True)
class Wanted:
    """What makes a point worth choosing: names of metrics, the first one decides first, and conditions it meets."""

    objectives: tuple[str, ...]
    conditions: tuple[Condition, ...]


def wanted(store: Store, objectives: str | None = None, where: str | None = None) -> Wanted:
    """What the sweep in ``store`` asks for, or the user instead (objectives) and besides (a condition).

    Raises
    ------
    ConfigError
        A name is unknown, or the condition is none.
    """
    names = tuple(store.fact("names"))
    chosen = tuple(store.fact("objectives"))
    faults = []
    if objectives is not None:
        chosen = tuple(dict.fromkeys(name.strip() for name in objectives.split(",")))
        faults = [f"--objectives: no figure {n!r}; {nearest(n, tuple(METRICS))}" for n in chosen if n not in METRICS]
    conditions = []
    for text in [*store.fact("constraints"), *([where] if where is not None else [])]:
        parsed = parse(text, names)
        if isinstance(parsed, Condition):
            conditions.append(parsed)
        else:
            faults += [f"--where: {fault}" for fault in parsed]
    if faults:
        raise ConfigError("\n".join(faults))
    return Wanted(chosen, tuple(conditions))


def candidates(rows: Iterable[Row], want: Wanted) -> list[Row]:
    """The evaluated points that meet every condition and have every objective.

    Raises
    ------
    ConfigError
        Points have been evaluated, and none of them has an objective.
    """
    done = [row for row in rows if row.status == "done"]
    for name in want.objectives:
        if done and all(row.metrics.get(name) is None for row in done):
            hint = ": the data has no labels y" if name == "accuracy" else ""
            raise ConfigError(f"no point has the objective {name}{hint}; choose others with --objectives")
    return [
        row
        for row in done
        if all(row.metrics.get(name) is not None for name in want.objectives)
        and all(condition.holds({**row.known, **row.metrics}) for condition in want.conditions)
    ]


def front(rows: Sequence[Row], objectives: Sequence[str]) -> list[Row]:
    """Of `candidates` those that no other one beats: is as good in every objective, and better in one.

    The best in the first objective first; points that are equal in all of them are all there.
    """
    found: list[Row] = []
    kept: list[tuple[float, ...]] = []
    for row in _ordered(rows, objectives):
        costs = _costs(row, objectives)
        # Whatever beats it comes before it in this order.
        if not any(other != costs and all(a <= b for a, b in zip(other, costs, strict=True)) for other in kept):
            found.append(row)
            if not kept or kept[-1] != costs:
                kept.append(costs)
    return found


def best(rows: Sequence[Row], objectives: Sequence[str]) -> Row | None:
    """Of `candidates` the best in the first objective, of several equal ones in the next, then the first."""
    return next(iter(_ordered(rows, objectives)), None)


def project_text(row: Row, results: Path, target: Path) -> str:
    """The project of a point as a file in folder ``target``, which says what it is; ``results`` is the sweep's."""
    values = parse_document(row.project, results / "project.yaml").values
    move_paths(values, results, target)
    choices = ", ".join(f"{name}={label_text(value)}" for name, value in row.choices.items())
    figures = ", ".join(
        f"{name} {metric.text.format(row.metrics[name])}"
        for name, metric in METRICS.items()
        if row.metrics.get(name) is not None
    )
    return f"# Point {row.number} of a sweep: {choices}\n# {figures}\n\n{yaml_text(values)}"


def _ordered(rows: Sequence[Row], objectives: Sequence[str]) -> list[Row]:
    return sorted(rows, key=lambda row: (_costs(row, objectives), row.number))


def _costs(row: Row, objectives: Sequence[str]) -> tuple[float, ...]:
    """Its objectives, the less the better."""
    return tuple(-row.metrics[name] if METRICS[name].more_is_better else row.metrics[name] for name in objectives)
