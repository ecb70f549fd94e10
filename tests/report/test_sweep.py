"""The report of a sweep has every point and every figure of the results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hwq.errors import ConfigError
from hwq.explore.metrics import METRICS
from hwq.explore.pareto import candidates, front, wanted
from hwq.explore.store import NewPoint, reading, writing
from hwq.report.sweep import sweep_data, sweep_report
from tests.report.stores import ERROR, HOSTILE, LEAST_ACCURACY, fill, indices
from tests.report.test_columns import unwoven
from tests.report.test_page import embedded


def test_every_point_and_every_figure(tmp_path: Path) -> None:
    fill(tmp_path)
    with reading(tmp_path) as store:
        data = sweep_data(store)
        rows = list(store.rows())
        best = front(candidates(rows, wanted(store)), ("accuracy", "cycles"))
    done = [row for row in rows if row.status == "done"]
    failed = [row for row in rows if row.status == "failed"]
    assert data["counts"] == {"total": 48, "done": len(done), "failed": len(failed)}
    assert len(done) + len(failed) == 47
    assert data["numbers"] == [row.number for row in done]
    # One that no point has is not there.
    assert list(data["figures"]) == [name for name in METRICS if name != "overflows"]
    for name, figure in data["figures"].items():
        assert figure["values"] == [row.metrics[name] for row in done]
        assert (figure["more"], figure["evidence"]) == (METRICS[name].more_is_better, "modelled")
    for points, axes in ((done, data["axes"]), (failed, data["failed"]["axes"])):
        for axis, column in axes.items():
            chosen = [column["values"][code] for code in column["codes"]]
            assert chosen == [[row.choices[axis]] if axis in row.choices else [] for row in points]
    assert [unwoven(data["projects"], index) for index in range(len(done))] == [row.project for row in done]
    assert data["front"] == indices(data["numbers"], [row.number for row in best])
    assert data["meeting"] == [int(row.metrics["accuracy"] >= LEAST_ACCURACY) for row in done]
    errors = data["failed"]["errors"]
    assert [errors["values"][code] for code in errors["codes"]] == [row.error for row in failed]
    assert data["failed"]["reasons"] == [{"error": ERROR, "points": len(failed)}]
    assert data["network"] == f"{Path(HOSTILE).name}.hwqnet, small.hwqnet"


def test_the_page_holds_them_and_is_always_the_same(tmp_path: Path) -> None:
    fill(tmp_path)
    with reading(tmp_path) as store:
        pages = [sweep_report(store) for _ in range(2)]
        assert embedded(pages[0]) == sweep_data(store)
    assert pages[0] == pages[1]
    assert str(tmp_path) not in pages[0]


def test_axes_have_their_units() -> None:
    assert [METRICS[name].title for name in ("latency", "memory_used", "cycles")] == [
        "Latency (ms)", "Memory used (bytes)", "Cycles"
    ]  # fmt: skip


def test_an_objective_that_no_point_has_leaves_no_front_and_says_why(tmp_path: Path) -> None:
    fill(tmp_path)
    with writing(tmp_path) as store:
        for row in list(store.rows()):
            if row.status == "done":
                store.finish({row.number: {**row.metrics, "accuracy": None}})
    with reading(tmp_path) as store:
        data = sweep_data(store)
    assert (data["front"], data["objectives"]) == ([], ["cycles"])
    assert "no point has the objective accuracy: the data has no labels y" in data["objection"]


def test_a_sweep_in_which_nothing_has_ended_is_refused(tmp_path: Path) -> None:
    with writing(tmp_path) as store:
        store.enter({}, [NewPoint("a", {}, {}, "model: a\n")], retry=False)
    with reading(tmp_path) as store, pytest.raises(ConfigError, match="no point has been evaluated yet"):
        sweep_data(store)


def test_ten_thousand_points_are_a_small_file(tmp_path: Path) -> None:
    fill(tmp_path, 10_000)
    with reading(tmp_path) as store:
        page = sweep_report(store)
    (script,) = re.findall(r"<script>/\*\*.*?</script>", page, flags=re.DOTALL)
    # Plotly's own script is what it is.
    assert len(page.encode()) - len(script.encode()) < 3_000_000
    assert len(page.encode()) < 20_000_000
