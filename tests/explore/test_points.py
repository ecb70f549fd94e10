"""Points as projects, and combinations that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.config.document import read_document
from hwq.config.project import load_project
from hwq.errors import ConfigError
from hwq.explore.document import load_sweep
from hwq.explore.points import Point, sweep_points


def points(folder: Path, axes: str, base: str = "model: m.tflite\n", results: str = "out") -> list[Point]:
    (folder / "projects").mkdir(exist_ok=True)
    (folder / "projects" / "base.yaml").write_text(base, encoding="utf-8")
    (folder / "s.yaml").write_text(f"base: projects/base.yaml\naxes:\n{axes}", encoding="utf-8")
    return sweep_points(load_sweep(folder / "s.yaml"), folder / results)


def refusal(folder: Path, axes: str, base: str = "model: m.tflite\n") -> list[str]:
    with pytest.raises(ConfigError) as raised:
        points(folder, axes, base)
    return str(raised.value).replace(f"{folder}/", "").splitlines()


def test_axes_change_the_base_and_nothing_else(tmp_path: Path) -> None:
    base = "model: m.tflite\narray: {rows: 4, columns: 6}\ndepthwise: none\n"
    found = points(tmp_path, "  array.rows: [8, 16]\n  depthwise.line: [32]\n  pooling: [none]\n", base)
    assert [point.values for point in found] == [
        {
            "model": "../projects/m.tflite",
            "array": {"rows": rows, "columns": 6},
            "depthwise": {"line": 32},
            "pooling": "none",
        }
        for rows in (8, 16)
    ]


def test_the_project_of_a_point_can_be_written_and_loaded(tmp_path: Path) -> None:
    (point,) = points(tmp_path, "  array.rows: [8]\n")
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "project.yaml"
    path.write_text(point.yaml, encoding="utf-8")
    assert load_project(path) == point.project
    assert point.project.model.resolve() == tmp_path / "projects" / "m.tflite"
    assert read_document(path).values == point.values


def test_paths_on_axes_are_relative_to_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS", "elsewhere")
    found = points(tmp_path, "  model: [a.tflite, /b.tflite, '${MODELS}/c.tflite']\n", results="deep/out")
    assert [point.values["model"] for point in found] == ["../../a.tflite", "/b.tflite", "${MODELS}/c.tflite"]
    assert [point.project.model for point in found] == [
        tmp_path / "deep/out/../../a.tflite", Path("/b.tflite"), Path("elsewhere/c.tflite")
    ]  # fmt: skip


def test_a_combination_that_is_no_project_is_named(tmp_path: Path) -> None:
    axes = "  array.rows: [4, 8]\n  array.columns: [6, 8]\n  requantizer.lanes: [2, 4]\n"
    assert refusal(tmp_path, axes) == [
        (
            "s.yaml:5: axes.requantizer.lanes: no project with array.columns=6, requantizer.lanes=4 (2 of 8 points): "
            "requantizer.lanes must divide array.columns (6), not 4"
        )
    ]


def test_every_value_that_is_out_of_range_is_named(tmp_path: Path) -> None:
    axes = "  array.rows: [4, 300]\n  array.columns: [six, 8]\n"
    assert refusal(tmp_path, axes) == [
        "2 faults in s.yaml",
        (
            "s.yaml:3: axes.array.rows: no project with array.rows=300 (2 of 4 points): array.rows must be an integer "
            "from 1 to 256, not 300"
        ),
        (
            "s.yaml:4: axes.array.columns: no project with array.columns=six (2 of 4 points): array.columns must be an "
            "integer from 1 to 256, not 'six'"
        ),
    ]


def test_a_fault_of_the_base_with_an_axis_is_the_axis_own(tmp_path: Path) -> None:
    base = "model: m.tflite\nrequantizer: {lanes: 4}\n"
    assert refusal(tmp_path, "  array.rows: [1, 2]\n  array.columns: [8, 6]\n", base) == [
        (
            "s.yaml:4: axes.array.columns: no project with array.columns=6 (2 of 4 points): requantizer.lanes must "
            "divide array.columns (6), not 4"
        )
    ]


def test_where_every_point_has_the_fault(tmp_path: Path) -> None:
    assert refusal(tmp_path, "  array.rows: [0]\n") == [
        (
            "s.yaml:3: axes.array.rows: no project with array.rows=0 (1 of 1 points): array.rows must be an integer "
            "from 1 to 256, not 0"
        )
    ]
