"""Results in other programs' formats hold every point and every figure."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwq.errors import ToolError
from hwq.explore.export import export
from hwq.explore.metrics import METRICS
from hwq.explore.store import NewPoint, Store, reading, writing

COLUMNS = ["number", "status", "array.rows", "requantizer.lanes", *METRICS, "error"]
METRIC_VALUES = {**dict.fromkeys(METRICS, 3), "accuracy": 0.1 + 0.2, "agreement": None}


def fill(folder: Path) -> None:
    with writing(folder) as store:
        points = [
            NewPoint("a", {"array.rows": 4, "requantizer.lanes": None}, {}, "model: a\n"),
            NewPoint("b", {"array.rows": 4, "requantizer.lanes": "x,\n"}, {}, "model: b\n"),
            NewPoint("c", {"array.rows": 4}, {}, "model: c\n"),
        ]
        store.enter({"axes": ["array.rows", "requantizer.lanes"]}, points, retry=False)
        store.finish({1: METRIC_VALUES})
        store.fail([2], 'no "room"\nat all')


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    fill(tmp_path)
    with reading(tmp_path) as opened:
        yield opened


def test_csv(store: Store) -> None:
    path = export(store, "csv")
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    assert lines[0] == COLUMNS
    figures = [repr(value) if value is not None else "" for value in METRIC_VALUES.values()]
    empty = [""] * len(METRICS)
    assert lines[1:] == [
        ["1", "done", "4", "null", *figures, ""],
        ["2", "failed", "4", "x,\n", *empty, 'no "room"\nat all'],
        ["3", "waiting", "4", "", *empty, ""],
    ]
    assert path.name == "results.csv"
    assert not list(path.parent.glob("*.new"))


def test_json(store: Store) -> None:
    found = json.loads(export(store, "json").read_text(encoding="utf-8"))
    assert [list(record) for record in found] == [[*COLUMNS, "project"]] * 3
    assert found[0]["accuracy"] == 0.1 + 0.2
    assert found[1]["error"] == 'no "room"\nat all'
    assert [record["project"] for record in found] == ["model: a\n", "model: b\n", "model: c\n"]


def test_parquet(store: Store) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(export(store, "parquet"))
    assert table.column_names == COLUMNS
    assert table.column("accuracy").to_pylist() == [0.1 + 0.2, None, None]
    assert table.column("requantizer.lanes").to_pylist() == [None, "x,\n", None]
    assert table.column("array.rows").to_pylist() == [4, 4, 4]


def test_parquet_without_its_package(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ToolError, match=r"pip install 'hwq\[parquet\]'"):
        export(store, "parquet")
