"""Sweeps over real and small networks, and an executor that computes in this process and counts."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from hwq.explore.document import Sweep, load_sweep
from hwq.explore.execution import Outcome, Task
from hwq.explore.points import Point, sweep_points
from hwq.explore.worker import outcome
from tests.support.models import official_model

CONFIGS = Path(__file__).parents[2] / "configs"

#: Arrays and lanes for keyword spotting: 12 points of one arithmetic.
KWS = """
axes:
  array.rows: [4, 8]
  array.columns: [4, 8, 16]
  requantizer.lanes: [2, 4]
"""


def write_sweep(folder: Path, axes: str = KWS, base: str = "kws_8x8", buffers: int | None = None) -> Path:
    """A sweep file in ``folder`` whose base is a project of configs/."""
    official_model(base.partition("_")[0])
    path = folder / "sweep.yaml"
    text = (CONFIGS / "projects" / f"{base}.yaml").read_text(encoding="utf-8")
    (folder / "base.yaml").write_text(text, encoding="utf-8")
    path.write_text(f"base: base.yaml\n{axes}", encoding="utf-8")
    return path


def opened(path: Path, folder: Path) -> tuple[Sweep, list[Point]]:
    """A sweep and its points, for results in ``folder``."""
    sweep = load_sweep(path)
    return sweep, sweep_points(sweep, folder)


@dataclass
class Inline:
    """Computes in this process, one task at a time, and keeps the kinds of the tasks."""

    slots: int = 1
    kinds: list[str] = field(default_factory=list)
    waiting: deque[Task] = field(default_factory=deque)

    def submit(self, task: Task) -> None:
        self.waiting.append(task)

    def finished(self, timeout: float) -> list[Outcome]:
        task = self.waiting.popleft()
        self.kinds.append(task.kind)
        # Through text, as between processes.
        found = json.loads(json.dumps(outcome(json.loads(json.dumps(vars(task))))))
        return [Outcome(found["number"], found.get("result"), found.get("error"))]
