"""``hwq sweep``, ``pareto`` and ``best`` from the outside: files, exit codes, and being killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hwq.config.project import load_project
from tests.cli.support import refused, run_cli
from tests.explore.sweeps import write_sweep

Capture = pytest.CaptureFixture[str]
_ROOT = Path(__file__).parents[2]

#: 96 points, so that there is time to disturb them.
_MANY = """
axes:
  array.rows: {range: [3, 6]}
  array.columns: {range: [4, 48, 4]}
  buffers.weights: [131072]
  buffers.channels: [4096]
  array.product_register: [true, false]
"""


def start(path: Path, folder: Path) -> subprocess.Popen[str]:
    """The sweep in a process of its own, once some points are done."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hwq", "sweep", str(path), "-o", str(folder), "--workers", "2"],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while status(folder).get("done", 0) < 5:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    return process


def status(folder: Path) -> dict[str, Any]:
    from hwq.errors import HwqError
    from hwq.explore.store import reading

    try:
        with reading(folder) as store:
            return vars(store.counts())
    except HwqError:
        return {}


def test_a_sweep_its_front_and_its_best_point(capsys: Capture, tmp_path: Path) -> None:
    path, folder = write_sweep(tmp_path), tmp_path / "out"
    result = run_cli(capsys, "sweep", path, "-o", folder, "--workers", 2, "--export", "json", "--json")
    assert result.code == 0, result
    report = result.json
    assert {key: report[key] for key in ("total", "done", "failed", "running", "interrupted")} == {
        "total": 12, "done": 12, "failed": 0, "running": 0, "interrupted": False
    }  # fmt: skip
    records = json.loads(Path(report["exported"]).read_text(encoding="utf-8"))
    assert len(records) == 12
    fastest = min(records, key=lambda record: record["cycles"])
    assert report["front"] == [fastest["number"]]

    result = run_cli(capsys, "sweep", "--status", folder, "--json")
    assert result.json == {"directory": str(folder), "total": 12, "done": 12, "failed": 0, "running": 0}

    arguments = ("--objectives", "cycles,multipliers", "--where", "requantizer.lanes == 2")
    front = run_cli(capsys, "pareto", folder, *arguments, "--json").json
    assert front["candidates"] == 6
    costs = [(point["metrics"]["cycles"], point["metrics"]["multipliers"]) for point in front["front"]]
    assert costs == sorted(costs)
    assert [cost[1] for cost in costs] == sorted((cost[1] for cost in costs), reverse=True)

    chosen = tmp_path / "elsewhere" / "mine.yaml"
    where = "cycles<=60000 and accuracy>=0.90 and array.columns != 16"
    best = run_cli(
        capsys, "best", folder, "--where", where, "--objectives", "multipliers,cycles", "-o", chosen, "--json"
    )
    expected = min(
        (record for record in records if record["cycles"] <= 60000 and record["array.columns"] != 16),
        key=lambda record: (record["multipliers"], record["cycles"]),
    )
    assert (best.json["number"], best.json["project"]) == (expected["number"], str(chosen))
    array = load_project(chosen).accelerator.array
    assert (array.rows, array.columns) == (expected["array.rows"], expected["array.columns"])
    # Ready for the other verbs: the same accuracy, from the file alone.
    assert run_cli(capsys, "run", chosen, "--json").json["accuracy"] == expected["accuracy"]


def test_tables(capsys: Capture, tmp_path: Path) -> None:
    path, folder = write_sweep(tmp_path, "axes: {buffers.weights: [1024, 32768], array.rows: [4, 8]}\n"), tmp_path / "o"
    result = run_cli(capsys, "sweep", path, "-o", folder, "--workers", 1)
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split()[:4] == ["Point", "buffers.weights", "array.rows", "Accuracy"]
    assert lines[3].split()[:5] == ["4", "32768", "8", "90.50%", "52,444"]
    assert "2 of 4 points evaluated, 2 failed" in result.out
    assert "1 failed: weights memory holds 1024 weights and 24832 are needed" in result.out
    assert "done             2" in run_cli(capsys, "sweep", "--status", folder).out
    assert "1 of 2 points, by accuracy, cycles" in run_cli(capsys, "pareto", folder).out
    assert f"Project  {folder / 'best.yaml'}" in run_cli(capsys, "best", folder).out


def test_a_sweep_without_a_good_point_is_bad_input(capsys: Capture, tmp_path: Path) -> None:
    path = write_sweep(tmp_path, "axes: {buffers.weights: [1024, 2048]}\n")
    result = run_cli(capsys, "sweep", path, "-o", tmp_path / "out", "--workers", 1)
    assert result.code == 2
    assert "0 of 2 points evaluated, 2 failed" in result.out


def test_kill_at_any_moment_and_go_on(capsys: Capture, tmp_path: Path) -> None:
    path, folder = write_sweep(tmp_path, _MANY), tmp_path / "out"
    process = start(path, folder)
    # Between two points nothing runs for a moment.
    assert any(status(folder)["running"] for _ in range(200))
    process.kill()
    process.communicate()
    before = run_cli(capsys, "sweep", "--status", folder, "--json").json
    assert before["running"] == 0
    assert 5 <= before["done"] < before["total"] == 96
    assert run_cli(capsys, "sweep", path, "-o", folder, "--workers", 2, "--json").json["done"] == 96
    assert run_cli(capsys, "sweep", path, "-o", tmp_path / "whole", "--workers", 2, "--json").json["done"] == 96
    exports = []
    for results in (folder, tmp_path / "whole"):
        run_cli(capsys, "sweep", "-o", results, "--export", "csv")
        exports.append((results / "results.csv").read_bytes())
    assert exports[0] == exports[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_leaves_usable_results(capsys: Capture, tmp_path: Path, number: signal.Signals) -> None:
    path, folder = write_sweep(tmp_path, _MANY), tmp_path / "out"
    process = start(path, folder)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    if number == signal.SIGINT:
        assert "points left; the same command goes on with them" in err
        assert "of 96 points evaluated" in out
    counts = run_cli(capsys, "sweep", "--status", folder, "--json").json
    assert counts["running"] == 0
    assert 5 <= counts["done"] < 96
    assert run_cli(capsys, "best", folder, "--json").code == 0


def test_a_second_sweep_in_the_same_folder_is_refused(capsys: Capture, tmp_path: Path) -> None:
    path, folder = write_sweep(tmp_path, _MANY), tmp_path / "out"
    process = start(path, folder)
    try:
        assert "another hwq sweep writes its results there" in refused(capsys, "sweep", path, "-o", folder)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep"], "name the folder of the results: -o DIR"),
        (["sweep", "-o", "d"], "name a sweep to run: hwq sweep SWEEP.yaml -o d"),
        (["sweep", "s.yaml", "-o", "d"], "s.yaml: no such file"),
        (["sweep", "s.yaml", "-o", "d", "--export", "cvs"], "--export: no format 'cvs'; did you mean csv?"),
        (["sweep", "--status", "d", "-o", "d"], "--status DIR stands alone"),
        (["sweep", "--status", "d"], "d: no such folder; hwq sweep SWEEP.yaml -o d makes them"),
        (["sweep", "-o", "d", "--export", "csv"], "d: no such folder"),
        (["pareto", "d"], "d: no such folder"),
        (["best", "d"], "d: no such folder"),
    ],
    ids=" ".join,
)
def test_refusals(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, *arguments)
    assert os.listdir(tmp_path) == []


def test_refusals_of_conditions(capsys: Capture, tmp_path: Path) -> None:
    path, folder = write_sweep(tmp_path, "samples: 5\naxes: {array.rows: [8]}\n"), tmp_path / "out"
    run_cli(capsys, "sweep", path, "-o", folder, "--workers", 1)
    assert "--where: no name 'cycels'; did you mean cycles?" in refused(capsys, "best", folder, "--where", "cycels < 3")
    assert "none of the 1 evaluated points meets cycles < 3" in refused(capsys, "best", folder, "--where", "cycles < 3")
    assert not (folder / "best.yaml").exists()
