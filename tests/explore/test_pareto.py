"""The front and the best, against their definitions; the project that is written for a point."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from hwq.config.project import load_project
from hwq.errors import ConfigError
from hwq.explore.pareto import best, candidates, front, project_text, wanted
from hwq.explore.store import NewPoint, Row, reading, writing

OBJECTIVES = ("accuracy", "cycles", "memory")


def row(number: int, status: str = "done", project: str = "model: m\n", **metrics: Any) -> Row:
    return Row(number, {"array.rows": number}, project, status, metrics, None, {"array.rows": number})


def rows(seed: int, count: int, values: int) -> list[Row]:
    generator = random.Random(seed)
    draw = generator.randrange
    return [row(n, accuracy=draw(values) / 10, cycles=draw(values), memory=draw(values)) for n in range(1, count + 1)]


def beats(a: Row, b: Row, objectives: tuple[str, ...]) -> bool:
    """By the definition: as good in everything, better in something."""
    gains = [(a.metrics[n] - b.metrics[n]) * (1 if n == "accuracy" else -1) for n in objectives]
    return min(gains) >= 0 and max(gains) > 0


@pytest.mark.parametrize("objectives", [OBJECTIVES, ("cycles",), ("memory", "accuracy")], ids="+".join)
@pytest.mark.parametrize("seed", range(8))
def test_the_front_is_what_nothing_beats(seed: int, objectives: tuple[str, ...]) -> None:
    points = rows(seed, 60, values=4 + 3 * seed)
    found = front(points, objectives)
    expected = [a for a in points if not any(beats(b, a, objectives) for b in points)]
    assert sorted(point.number for point in found) == [point.number for point in expected]
    first = best(points, objectives)
    assert first is found[0]
    assert first is not None
    assert not any(beats(point, first, objectives[:1]) for point in points)


def test_the_first_of_equal_points_is_the_best() -> None:
    points = [row(n, cycles=5, accuracy=0.5) for n in (3, 1, 2)]
    chosen = best(points, ("cycles", "accuracy"))
    assert chosen is not None
    assert chosen.number == 1
    assert best([], ("cycles",)) is None


def results(folder: Path, constraints: list[str]) -> Path:
    facts = {"names": ["accuracy", "cycles", "array.rows"], "objectives": ["accuracy", "cycles"]}
    with writing(folder) as store:
        points = [NewPoint(str(n), {"array.rows": n}, {"array.rows": n}, "model: m\n") for n in (1, 2, 3, 4)]
        store.enter({**facts, "constraints": constraints}, points, retry=False)
        metrics = {n: {"accuracy": n / 10, "cycles": 100 * n, "memory": None} for n in (1, 2, 3)}
        store.finish(metrics)
    return folder


@pytest.mark.parametrize(
    ("constraints", "where", "numbers"),
    [
        ([], None, [1, 2, 3]),
        (["accuracy >= 0.2"], None, [2, 3]),
        (["accuracy >= 0.2"], "array.rows < 3", [2]),
        (["accuracy >= 0.2"], "array.rows < 2", []),
    ],
)
def test_candidates_meet_constraints_and_condition(
    tmp_path: Path, constraints: list[str], where: str | None, numbers: list[int]
) -> None:
    with reading(results(tmp_path, constraints)) as store:
        found = candidates(store.rows(), wanted(store, where=where))
    assert [point.number for point in found] == numbers


def test_names_that_are_none(tmp_path: Path) -> None:
    with reading(results(tmp_path, [])) as store:
        with pytest.raises(ConfigError) as raised:
            wanted(store, "cycels, accuracy", "acuracy > 3 or array.row == 1")
        assert str(raised.value).splitlines() == [
            "--objectives: no figure 'cycels'; did you mean cycles?",
            "--where: no name 'acuracy'; did you mean accuracy?",
            "--where: no name 'array.row'; did you mean array.rows?",
        ]
        assert wanted(store, "cycles,cycles, memory").objectives == ("cycles", "memory")
        with pytest.raises(ConfigError, match="no point has the objective memory; choose others"):
            candidates(store.rows(), wanted(store, "cycles,memory"))


def test_the_project_of_a_point_moves_with_its_file(tmp_path: Path) -> None:
    point = row(7, project="model: ../m.tflite\ndata: /d.npz\narray:\n  rows: 7\n", cycles=1234, accuracy=0.5)
    target = tmp_path / "a" / "b"
    target.mkdir(parents=True)
    path = target / "best.yaml"
    path.write_text(project_text(point, tmp_path / "out", target), encoding="utf-8")
    assert path.read_text(encoding="utf-8").splitlines()[:2] == [
        "# Point 7 of a sweep: array.rows=7",
        "# accuracy 50.00%, cycles 1,234",
    ]
    project = load_project(path)
    assert project.model.resolve() == (tmp_path / "m.tflite").resolve()
    assert project.data_path == Path("/d.npz")
    assert project.accelerator.array.rows == 7
