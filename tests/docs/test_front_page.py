"""What the front page and the guides show of whole networks is what the schedule says of the projects they name."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from hwq.cli.projects import open_design
from hwq.schedule.program import Program
from tests.docs.tables import DOCS
from tests.support.models import OFFICIAL, official_model

ROOT = DOCS.parent
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
COLUMNS = list(OFFICIAL)
"""The models in the order of the table's columns."""


@cache
def _program(project: str) -> Program:
    return open_design(Path(ROOT, "configs", "projects", f"{project}.yaml")).design.program


def _rows() -> list[list[str]]:
    """The cells of the measurements, without bold."""
    lines = re.findall(r"^\| (.*) \|$", PAGE, flags=re.MULTILINE)
    return [line.replace("**", "").split(" | ") for line in lines]


def _cell(title: str, column: int) -> str:
    """The cell of the row called ``title``."""
    (row,) = (row for row in _rows() if row[0] == title)
    return row[1 + column]


@pytest.mark.parametrize("size", ["8x8", "16x16"])
@pytest.mark.parametrize("name", COLUMNS)
def test_cycles_use_and_time_of_whole_networks(name: str, size: str) -> None:
    official_model(name)
    column = COLUMNS.index(name)
    run = _program(f"{name}_{size}").network
    assert run is not None
    assert _cell(f"{size} array: cycles", column) == f"{run.predicted_cycles:,}"
    uses = [row[1 + column] for row in _rows() if row[0] == "use; ms at 100 MHz"]
    use = uses[["8x8", "16x16"].index(size)]
    assert use == f"{run.utilization:.1%}; {run.predicted_cycles / 1e5:.3f}"


@pytest.mark.parametrize("name", COLUMNS)
def test_layers_and_engines_of_whole_networks(name: str) -> None:
    official_model(name)
    column = COLUMNS.index(name)
    program = _program(f"{name}_8x8")
    run = program.network
    assert run is not None
    left = f"all but {', '.join(program.after)}" if program.after else "all"
    assert _cell("layers on chip, by one START", column) == f"{len(run.steps)}, {left}"
    beside = sorted({step.engine for step in run.steps} - {"array"})
    assert _cell("engines beside the array", column) == (", ".join(beside) or "none")
    assert _cell("MACs of an inference", column) == f"{run.macs:,}"


_VERIFIED = re.compile(r"^([\w-]+) +[\d,]+ +0 +([\d,]+) +\2 ", re.MULTILINE)
_TESTBENCH = re.compile(r"^([\w-]+) +ok +\d+ elements, (\d+) cycles$", re.MULTILINE)


@pytest.mark.parametrize(("page", "rows"), [("README.md", _VERIFIED), ("docs/spec/manifest.md", _TESTBENCH)])
def test_shown_runs_are_all_of_the_project(page: str, rows: re.Pattern[str]) -> None:
    official_model("kws")
    shown = {name: int(cycles.replace(",", "")) for name, cycles in rows.findall((ROOT / page).read_text("utf-8"))}
    assert shown == {run.name: run.predicted_cycles for run in _program("kws_8x8").runs}


def test_shown_runs_of_the_first_guide(tmp_path: Path) -> None:
    text = (DOCS / "guide" / "getting-started.md").read_text("utf-8")
    (tmp_path / "my_model.tflite").symlink_to(official_model("kws"))
    (tmp_path / "my_model.yaml").write_text(
        re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[0], "utf-8"
    )
    program = open_design(tmp_path / "my_model.yaml").design.program
    shown = {name: int(cycles.replace(",", "")) for name, cycles in _VERIFIED.findall(text)}
    assert shown == {run.name: run.predicted_cycles for run in program.runs}
