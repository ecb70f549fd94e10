"""The points of a sweep as projects: each checked before anything is evaluated."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwq.config.document import Document, read_document
from hwq.config.faults import Fault, config_error
from hwq.config.project import Project, check_project
from hwq.config.writing import yaml_text
from hwq.errors import ConfigError
from hwq.explore.document import Sweep
from hwq.explore.space import Axis, Place, Scalar, grid, label_text, same, sample

#: Keys of a project that are paths.
_PATHS = ("model", "data")

#: Combinations that the message of one fault lists.
_MOST_LISTED = 3


@dataclass(frozen=True)
class Point:
    """One point of a sweep: what its axes chose, and the project that follows.

    ``values`` are the project file's, with paths relative to the folder of the results.
    """

    place: Place
    values: Mapping[str, object]
    project: Project

    @property
    def yaml(self) -> str:
        """The project file."""
        return yaml_text(self.values)


def sweep_points(sweep: Sweep, folder: Path) -> list[Point]:
    """Every point of ``sweep`` in its order; ``folder`` is where their projects would lie.

    Raises
    ------
    ConfigError
        Points are no valid projects: every fault once, at the axis it comes from, with the combinations that have it.
    """
    places = list(grid(sweep.axes)) if sweep.points is None else sample(sweep.axes, sweep.points, sweep.seed)
    base = read_document(sweep.base).values
    move_paths(base, sweep.base.parent, folder)
    found = []
    killed: dict[tuple[str, str], list[Place]] = {}
    for place in places:
        values = copy.deepcopy(base)
        settings: dict[str, object] = dict(place.settings)
        move_paths(settings, sweep.file.parent, folder)
        for key, value in settings.items():
            _set(values, key, value)
        try:
            project = check_project(Document(folder / "project.yaml", values, {}))
        except ConfigError as error:
            for fault in error.faults:
                killed.setdefault(fault, []).append(place)
            continue
        found.append(Point(place, values, project))
    if killed:
        faults = [_fault(sweep, path, text, dead, places) for (path, text), dead in killed.items()]
        raise config_error(sweep.file, faults)
    return found


def rebased(text: str, before: Path, after: Path) -> str:
    """A path of a file in folder ``before`` as a file in folder ``after`` names the same place.

    One that begins with a variable or is absolute means the same everywhere.
    """
    if text.startswith("${") or Path(text).is_absolute():
        return text
    return os.path.relpath(before / text, after)


def move_paths(values: dict[str, object], before: Path, after: Path) -> None:
    """Rebase the paths among a project's values."""
    for key in _PATHS:
        given = values.get(key)
        if isinstance(given, str) and given:
            values[key] = rebased(given, before, after)


def _set(values: dict[str, object], key: str, value: object) -> None:
    """Give a dotted key its value; an engine's section that was a word becomes a mapping."""
    *sections, name = key.split(".")
    for section in sections:
        inner = values.get(section)
        if not isinstance(inner, dict):
            inner = values[section] = {}
        values = inner
    values[name] = value


def _fault(sweep: Sweep, path: str, text: str, dead: Sequence[Place], places: Sequence[Place]) -> Fault:
    """One fault of points: at the axis that sets its key, with the choices that all of ``dead`` share."""
    axes = [axis for axis in sweep.axes if path in axis.keys]
    shared = _shared(sweep.axes, dead, places)
    at = axes[0].name if axes else next(iter(shared), "")
    line = sweep.lines.get(at, 1)
    key = f"axes.{at}" if at else "axes"
    where = ", ".join(f"{name}={label_text(value)}" for name, value in shared.items())
    if not where:
        # No choice is common to all of them: name some of them whole.
        some = [", ".join(f"{n}={label_text(v)}" for n, v in place.labels.items()) for place in dead[:_MOST_LISTED]]
        where = "; ".join([*some, *(["..."] if len(dead) > _MOST_LISTED else [])])
    points = f"{len(dead):,} of {len(places):,} points"
    return Fault(line, key, f"no project with {where} ({points}): {path} {text}")


def _shared(axes: Iterable[Axis], dead: Sequence[Place], places: Sequence[Place]) -> dict[str, Scalar]:
    """The choices that all of ``dead`` have in common and not all of ``places`` have."""
    found: dict[str, Scalar] = {}
    for axis in axes:
        labels = [place.labels for place in dead]
        if any(axis.name not in label for label in labels):
            continue
        first = labels[0][axis.name]
        alike = all(same(label[axis.name], first) for label in labels)
        elsewhere = any(axis.name not in place.labels or not same(place.labels[axis.name], first) for place in places)
        if alike and (elsewhere or len(places) == len(dead)):
            found[axis.name] = first
    return found
