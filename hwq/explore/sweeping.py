"""Running a sweep: what has to be computed for its points, computed once, and what becomes of them."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hwq
from hwq.config.project import Project
from hwq.cost.check import energy_on
from hwq.errors import ConfigError
from hwq.explore.document import Sweep
from hwq.explore.evaluation import RANDOM_SAMPLES
from hwq.explore.execution import Executor, Outcome, Task
from hwq.explore.metrics import METRICS, OF_DEVICES
from hwq.explore.points import Point
from hwq.explore.store import Counts, NewPoint, Store
from hwq.frontends import load
from hwq.frontends.sources import choose_samples
from hwq.graph.network import Network
from hwq.toolchain.cache import content_key

#: Seconds to wait for an outcome before looking whether to stop.
_PATIENCE = 0.1


@dataclass(frozen=True)
class PointKeys:
    """Changes with what a point's figures depend on: its network and accelerator, its network and samples."""

    hardware: str
    samples: str


def enter_sweep(sweep: Sweep, points: list[Point], store: Store, *, retry: bool = False) -> Mapping[int, PointKeys]:
    """Enter a sweep into its results: known points stay known.

    Parameters
    ----------
    sweep, points:
        The sweep, and its points.
    store:
        Its results.
    retry:
        Whether points that failed are evaluated again.

    Returns
    -------
    By number of a point what its figures depend on, for `run_sweep`.

    Raises
    ------
    HwqError
        A model or its samples cannot be read, or do not fit one another.
    """
    inputs = _Inputs(sweep)
    keys: dict[int, PointKeys] = {}
    entered = []
    for number, point in enumerate(points, 1):
        keys[number] = found = inputs.keys(point.project)
        parts = [found.hardware, found.samples, repr(sweep.clock_mhz), json.dumps(point.place.labels)]
        parts += [] if sweep.device is None else [repr(sweep.device)]
        entered.append(NewPoint(content_key(parts), point.place.labels, point.place.known, point.yaml))
    facts = {
        "hwq": hwq.__version__,
        "axes": [axis.name for axis in sweep.axes],
        "varying": [axis.name for axis in sweep.axes if len(axis.choices) > 1 or axis.when],
        "names": list(sweep.names),
        "objectives": list(sweep.objectives),
        "constraints": [condition.text for condition in sweep.constraints],
        "clock_mhz": sweep.clock_mhz,
        "device": None if sweep.device is None else sweep.device.name,
    }
    store.enter(facts, entered, retry=retry)
    return keys


def run_sweep(
    sweep: Sweep,
    points: list[Point],
    store: Store,
    keys: Mapping[int, PointKeys],
    executor: Executor,
    report: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> Counts:
    """Evaluate the points that wait, until none does or ``stop`` says so; the value is how far it came.

    A point whose evaluation fails is recorded with the reason, and the others go on. The results do not depend on the
    executor.
    """
    work = _Work(sweep, points, store, keys)
    running = 0
    try:
        work.begin()
        while not stop():
            report(work.ended, len(points))
            while running < executor.slots and (task := work.next_task()):
                executor.submit(task)
                running += 1
            if not running:
                break
            for outcome in executor.finished(_PATIENCE):
                running -= 1
                work.take(outcome)
    finally:
        store.leave()
    return store.counts()


@dataclass(frozen=True)
class _Wanted:
    """Something that points wait for: a kind of task, and its key in the results."""

    kind: str
    key: str
    points: list[int]


class _Work:
    """What is still to be computed, and which points wait for what."""

    def __init__(self, sweep: Sweep, points: list[Point], store: Store, keys: Mapping[int, PointKeys]) -> None:
        self._sweep, self._points, self._store, self._keys = sweep, points, store, keys
        self._numbers = itertools.count()
        self._queue: deque[Task] = deque()
        self._tasks: dict[int, _Wanted] = {}
        self._by_key: dict[str, _Wanted] = {}
        #: By point what its schedule gave.
        self._scheduled: dict[int, dict[str, Any]] = {}
        self.ended = 0

    def begin(self) -> None:
        waiting = self._store.waiting()
        self.ended = len(self._points) - len(waiting)
        for number in waiting:
            self._want("schedule", content_key(("schedule and costs", self._keys[number].hardware)), number)

    def next_task(self) -> Task | None:
        if not self._queue:
            return None
        task = self._queue.popleft()
        self._store.begin(self._tasks[task.number].points)
        return task

    def take(self, outcome: Outcome) -> None:
        wanted = self._tasks.pop(outcome.number)
        del self._by_key[wanted.key]
        if outcome.result is None:
            self._store.fail(wanted.points, outcome.error or "no reason given")
            self.ended += len(wanted.points)
        else:
            self._know(wanted, outcome.result, {wanted.key: outcome.result})

    def _want(self, kind: str, key: str, point: int) -> None:
        """Have something computed for a point: by a task there is, from the results, or by a task of its own."""
        if key in self._by_key:
            self._by_key[key].points.append(point)
            return
        wanted = _Wanted(kind, key, [point])
        known = self._store.work(key)
        if known is not None:
            self._know(wanted, known, {})
            return
        values = self._points[point - 1].values
        task = Task(next(self._numbers), kind, values, str(self._store.folder), self._sweep.samples)
        self._tasks[task.number] = self._by_key[key] = wanted
        # Points are finished before others are begun.
        (self._queue.append if kind == "schedule" else self._queue.appendleft)(task)

    def _know(self, wanted: _Wanted, result: dict[str, Any], work: Mapping[str, Any]) -> None:
        if wanted.kind == "schedule":
            self._store.finish({}, work)
            for point in wanted.points:
                self._scheduled[point] = result
                self._want("emulate", content_key(("emulate", self._keys[point].samples, result["arithmetic"])), point)
        else:
            metrics = {point: self._metrics(self._scheduled[point], result) for point in wanted.points}
            self._store.finish(metrics, work)
            self.ended += len(wanted.points)

    def _metrics(self, scheduled: Mapping[str, Any], emulated: Mapping[str, Any]) -> dict[str, Any]:
        latency = scheduled["cycles"] / (self._sweep.clock_mhz * 1000)
        found = {**scheduled, **emulated, "latency": latency, **self._of_device(scheduled["costs"], latency)}
        return {name: found[name] for name in METRICS}

    def _of_device(self, costs: Mapping[str, Any], latency: float) -> dict[str, Any]:
        device = self._sweep.device
        if device is None:
            return dict.fromkeys(OF_DEVICES)
        energy = sum(energy_on(device, costs["energy"], costs["transferred"]).values())
        # Microjoules in milliseconds are milliwatts.
        power = device.static_watts * 1000 + energy / latency
        return {"energy": energy, "power": power, **costs["area"][device.family]}


class _Inputs:
    """Models and samples of a sweep, each read and checked once."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._networks: dict[Path, Network] = {}
        self._digests: dict[Path, str] = {}
        self._checked: set[tuple[Path, Path | None]] = set()

    def keys(self, project: Project) -> PointKeys:
        model, data, count = project.model, project.data_path, self._sweep.samples
        if model not in self._networks:
            self._networks[model] = load(model)
        if data is not None and not data.is_file():
            what = "not a file" if data.exists() else "no such file"
            raise ConfigError(f"{self._sweep.file}: data of a point: {what}: {data}")
        if (model, data) not in self._checked:
            choose_samples(self._networks[model], data, count, 0, RANDOM_SAMPLES)
            self._checked.add((model, data))
        origin = f"random {RANDOM_SAMPLES}" if data is None else self._digest(data)
        version = hwq.__version__
        hardware = (version, self._digest(model), repr(project.accelerator), repr(project.auto))
        samples = (version, self._digest(model), origin, repr(count))
        return PointKeys(content_key(hardware), content_key(samples))

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            with path.open("rb") as file:
                self._digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[path]
