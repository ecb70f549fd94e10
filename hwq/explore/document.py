"""Sweep files: a base project, axes, a strategy, and what is wanted; every fault of the file at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hwq.config.document import Document, read_document
from hwq.config.faults import config_error, nearest
from hwq.config.project import load_project
from hwq.cost.device import Device, load_device
from hwq.errors import ConfigError
from hwq.explore.axes import fault, read_axes, shown
from hwq.explore.expressions import Condition, parse
from hwq.explore.metrics import METRICS, OF_DEVICES
from hwq.explore.space import MOST_POINTS, Axis, count

STRATEGIES = ("grid", "random")

_KEYS = ("base", "axes", "strategy", "points", "seed", "objectives", "constraints", "clock_mhz", "device", "samples")
_OBJECTIVES = ("accuracy", "cycles")
_MOST_SEED = 2**63 - 1
_CLOCKS = (0.001, 100_000.0)


@dataclass(frozen=True)
class Sweep:
    """A checked sweep.

    Parameters
    ----------
    file:
        The sweep file, which paths on axes are relative to.
    base:
        The project that axes change.
    axes:
        In the order of the file; the last one varies fastest.
    points, seed:
        Of the strategy ``random``; ``points`` is ``None`` for the whole grid.
    objectives:
        Names of metrics; the first one decides where one point has to be chosen.
    constraints:
        Conditions that a point worth choosing meets.
    clock_mhz:
        What latency is computed with.
    device:
        What energy, power and area are for; ``None`` where nobody asks.
    samples:
        How many samples are computed, the first ones; all without it.
    lines:
        Line of each axis in the file.
    """

    file: Path
    base: Path
    axes: tuple[Axis, ...]
    points: int | None
    seed: int
    objectives: tuple[str, ...]
    constraints: tuple[Condition, ...]
    clock_mhz: float
    device: Device | None
    samples: int | None
    lines: Mapping[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        """What conditions may name: figures, axes, and the keys that axes set."""
        return names(self.axes)


def names(axes: tuple[Axis, ...]) -> tuple[str, ...]:
    """What conditions over points of ``axes`` may name."""
    keys = [name for axis in axes for name in (axis.name, *axis.keys)]
    return tuple(dict.fromkeys((*METRICS, *keys)))


def load_sweep(path: str | Path) -> Sweep:
    """Read and check a sweep file.

    Raises
    ------
    ConfigError
        Every fault of the file at once, each with its line, its path and the nearest valid name. A base project with
        faults is told with its own.
    """
    document = read_document(Path(path))
    for key in document.values:
        if key not in _KEYS:
            document.fault((key,), f"unknown key; {nearest(key, _KEYS)}")
    base = _base(document)
    axes = read_axes(document)
    strategy = _one_of(document, "strategy", STRATEGIES, "grid")
    points = _integer(document, "points", 1, MOST_POINTS)
    seed = _integer(document, "seed", 0, _MOST_SEED)
    if strategy == "random" and points is None and "points" not in document.values:
        document.fault((), "points is required with strategy: random: how many to draw")
    if strategy == "grid":
        for key in ("points", "seed"):
            if key in document.values:
                document.fault((key,), "says nothing with strategy: grid; strategy: random draws that many")
    objectives = _objectives(document)
    constraints = _constraints(document, names(axes))
    clock = _clock(document)
    device = _device(document, objectives, constraints)
    samples = _integer(document, "samples", 1, 1_000_000)
    if not document.faults and strategy == "grid" and count(axes, MOST_POINTS + 1) > MOST_POINTS:
        document.fault(("axes",), f"have more than {MOST_POINTS:,} points; strategy: random with points: N draws N")
    if document.faults or base is None:
        raise config_error(document.file, document.faults)
    load_project(base)
    lines = {axis.name: document.line(("axes", axis.name)) for axis in axes}
    drawn = points if strategy == "random" else None
    return Sweep(document.file, base, axes, drawn, seed or 0, objectives, constraints, clock, device, samples, lines)


def _base(document: Document) -> Path | None:
    given = document.values.get("base")
    if "base" not in document.values:
        document.fault((), "base is required: the project that the axes change")
    elif not isinstance(given, str) or not given or not given.isprintable():
        fault(document, ("base",), "must be the path of a project's .yaml")
    else:
        found = document.file.parent / given
        if found.is_file():
            return found
        document.fault(("base",), f"{'not a file' if found.exists() else 'no such file'}: {found}")
    return None


def _objectives(document: Document) -> tuple[str, ...]:
    given = document.values.get("objectives", list(_OBJECTIVES))
    if not isinstance(given, list) or not given:
        fault(document, ("objectives",), f"must be a list of figures; valid are {', '.join(METRICS)}")
        return ()
    for number, name in enumerate(given):
        at = ("objectives", str(number))
        if name not in METRICS:
            document.fault(at, f"no figure {shown(name)}; {nearest(name, tuple(METRICS))}")
        elif name in given[:number]:
            document.fault(at, f"is given twice: {name}")
    return tuple(given)


def _constraints(document: Document, valid: tuple[str, ...]) -> tuple[Condition, ...]:
    given = document.values.get("constraints", [])
    if not isinstance(given, list):
        fault(document, ("constraints",), "must be a list of conditions: [cycles <= 60000, accuracy >= 0.9]")
        return ()
    found = []
    for number, condition in enumerate(given):
        wrong = [f"must be a condition, not {shown(condition)}"]
        parsed = parse(condition, valid) if isinstance(condition, str) else wrong
        if isinstance(parsed, Condition):
            found.append(parsed)
        else:
            for text in parsed:
                document.fault(("constraints", str(number)), text)
    return tuple(found)


def _clock(document: Document) -> float:
    given = document.values.get("clock_mhz", 100)
    low, high = _CLOCKS
    if type(given) not in (int, float) or not low <= given <= high:  # type: ignore[operator]
        fault(document, ("clock_mhz",), f"must be a number of MHz from {low:g} to {high:g}, not {shown(given)}")
        return 100.0
    assert isinstance(given, int | float)
    return float(given)


def _device(document: Document, objectives: tuple[str, ...], constraints: tuple[Condition, ...]) -> Device | None:
    """The device, which figures of devices need."""
    given = document.values.get("device")
    if "device" not in document.values:
        wanting = [("objectives", name) for name in objectives]
        wanting += [("constraints", name) for condition in constraints for name in sorted(condition.names)]
        for key, name in dict.fromkeys(wanting):
            if name in OF_DEVICES:
                document.fault((key,), f"{name} is a figure of a device; say which: device: ecp5-25k")
        return None
    if not isinstance(given, str) or not given or not given.isprintable():
        fault(document, ("device",), f"must be the name of a device or the path of its .yaml, not {shown(given)}")
        return None
    beside = document.file.parent / given
    try:
        return load_device(str(beside) if beside.is_file() else given)
    except ConfigError as error:
        document.fault(("device",), str(error))
        return None


def _one_of(document: Document, key: str, valid: tuple[str, ...], default: str) -> str:
    given = document.values.get(key, default)
    if given not in valid:
        fault(document, (key,), f"must be {' or '.join(valid)}, not {shown(given)}")
        return default
    assert isinstance(given, str)
    return given


def _integer(document: Document, key: str, low: int, high: int) -> int | None:
    if key not in document.values:
        return None
    given = document.values[key]
    if type(given) is not int or not low <= given <= high:
        fault(document, (key,), f"must be an integer from {low:,} to {high:,}, not {shown(given)}")
        return None
    return given
