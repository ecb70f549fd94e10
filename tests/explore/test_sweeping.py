"""Sweeps: what is computed and how often, what is resumed, and that who computes it does not show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwq.cost.check import Conditions, check
from hwq.cost.device import RESOURCES, load_device
from hwq.errors import ConfigError, DataError, ModelError
from hwq.explore.execution import Executor, LocalProcesses
from hwq.explore.metrics import OF_DEVICES
from hwq.explore.store import Counts, reading, writing
from hwq.explore.sweeping import enter_sweep, run_sweep
from hwq.frontends import load
from hwq.schedule.planning import with_engines
from hwq.verify.design import lower_design
from tests.explore.sweeps import Inline, opened, write_sweep


def run(path: Path, folder: Path, executor: Executor, *, retry: bool = False, stop_after: int | None = None) -> Counts:
    sweep, points = opened(path, folder)
    calls = 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        return stop_after is not None and calls > stop_after

    with writing(folder) as store:
        keys = enter_sweep(sweep, points, store, retry=retry)
        return run_sweep(sweep, points, store, keys, executor, stop=stop)


def results(folder: Path) -> list[tuple[Any, ...]]:
    with reading(folder) as store:
        return [(r.number, dict(r.choices), r.project, r.status, dict(r.metrics), r.error) for r in store.rows()]


def test_points_that_differ_in_the_array_alone_emulate_once(tmp_path: Path) -> None:
    executor = Inline()
    assert run(write_sweep(tmp_path), tmp_path / "out", executor) == Counts(12, 12, 0, 0)
    assert sorted(executor.kinds) == ["emulate"] + ["schedule"] * 12
    found = results(tmp_path / "out")
    assert {row[4]["accuracy"] for row in found} == {543 / 600}
    # The shipped 8x8 project with 4 lanes: the cycles of the README.
    (shipped,) = [row for row in found if row[1] == {"array.rows": 8, "array.columns": 8, "requantizer.lanes": 4}]
    assert (shipped[4]["cycles"], shipped[4]["latency"]) == (52_444, 0.52444)


def test_who_computes_does_not_show(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    run(path, tmp_path / "inline", Inline())
    for count in (1, 2):
        with LocalProcesses(count) as processes:
            run(path, tmp_path / f"processes{count}", processes)
        assert results(tmp_path / f"processes{count}") == results(tmp_path / "inline")


def test_an_interrupted_sweep_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    path, folder = write_sweep(tmp_path), tmp_path / "out"
    parts = [Inline() for _ in range(3)]
    assert run(path, folder, parts[0], stop_after=5).done < 12
    run(path, folder, parts[1], stop_after=4)
    assert run(path, folder, parts[2]) == Counts(12, 12, 0, 0)
    kinds = [kind for part in parts for kind in part.kinds]
    assert sorted(kinds) == ["emulate"] + ["schedule"] * 12
    again = Inline()
    assert run(path, folder, again) == Counts(12, 12, 0, 0)
    assert again.kinds == []
    run(path, tmp_path / "once", Inline())
    assert results(folder) == results(tmp_path / "once")


def test_another_clock_or_more_axes_compute_only_what_is_new(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run(write_sweep(tmp_path), folder, Inline())
    before = results(folder)
    faster = Inline()
    run(write_sweep(tmp_path, "clock_mhz: 200\naxes: {array.rows: [4, 8]}\n"), folder, faster)
    assert faster.kinds == []
    assert [row[4]["latency"] for row in results(folder)] == [row[4]["cycles"] / 200_000 for row in results(folder)]
    run(write_sweep(tmp_path, "clock_mhz: 50\naxes: {array.rows: [4, 8]}\n"), folder, faster)
    assert faster.kinds == []
    assert [row[4]["latency"] for row in results(folder)] == [row[4]["cycles"] / 50_000 for row in results(folder)]
    back = Inline()
    run(write_sweep(tmp_path), folder, back)
    assert (back.kinds, results(folder)) == ([], before)


def test_figures_of_a_device_are_those_of_a_check(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    without, executor = write_sweep(tmp_path, "clock_mhz: 40\naxes: {array.rows: [4, 8]}\n"), Inline()
    run(without, folder, executor)
    assert {row[4][name] for row in results(folder) for name in OF_DEVICES} == {None}
    lines = "clock_mhz: 40\ndevice: ecp5-85k\nobjectives: [energy]\naxes: {array.rows: [4, 8]}\n"
    path = write_sweep(tmp_path, lines)
    device, again = load_device("ecp5-85k"), Inline()
    run(path, folder, again)
    # What a device makes of a schedule is no schedule of its own.
    assert again.kinds == []
    for row, point in zip(results(folder), opened(path, folder)[1], strict=True):
        network, project = load(point.project.model), point.project
        program = lower_design(network, with_engines(network, project.accelerator, project.auto)).program
        found = {f.name: f.value for f in check(program, device, Conditions(40.0, 25.0)).figures}
        metrics = row[4]
        assert metrics["energy"] == pytest.approx(found["energy"])
        assert metrics["power"] == pytest.approx(found["static power"] + found["dynamic power"])
        assert {name: metrics[name] for name in RESOURCES} == {name: found[name] for name in RESOURCES}
        assert metrics["memory"] == found["memory"]


def test_sums_in_order_are_emulated_for_every_order(tmp_path: Path) -> None:
    axes = """
samples: 20
axes:
  array.rows: [4, 8]
  array.columns: [4, 8]
  arithmetic.overflow: [wrap]
  arithmetic.accumulator_bits: [16, 24, 32]
"""
    executor = Inline()
    assert run(write_sweep(tmp_path, axes), tmp_path / "out", executor).done == 12
    # At 24 and 32 bits nothing overflows; at 16 the rows decide the order, and columns do not.
    assert executor.kinds.count("emulate") == 3


def test_points_that_do_not_fit_fail_and_the_others_go_on(tmp_path: Path) -> None:
    path = write_sweep(tmp_path, "axes: {buffers.weights: [1024, 32768], array.rows: [4, 8]}\n")
    executor = Inline()
    assert run(path, tmp_path / "out", executor) == Counts(4, 2, 2, 0)
    found = results(tmp_path / "out")
    assert [row[3] for row in found] == ["failed", "failed", "done", "done"]
    assert found[0][5].startswith("weights memory holds 1024 weights and ")
    again = Inline()
    run(path, tmp_path / "out", again)
    assert again.kinds == []
    run(path, tmp_path / "out", again, retry=True)
    assert again.kinds == ["schedule"] * 2


def test_a_changed_model_or_data_is_evaluated_anew(tmp_path: Path) -> None:
    path, folder = write_sweep(tmp_path, "samples: 5\naxes: {array.rows: [8]}\n"), tmp_path / "out"
    run(path, folder, Inline())
    base = tmp_path / "base.yaml"
    text = base.read_text(encoding="utf-8")
    base.write_text("".join(line for line in text.splitlines(True) if not line.startswith("data")), encoding="utf-8")
    executor = Inline()
    run(path, folder, executor)
    assert executor.kinds == ["emulate"]
    assert results(folder)[0][4]["accuracy"] is None


@pytest.mark.parametrize(
    ("axes", "kind", "message"),
    [
        ("axes: {model: [none.tflite]}\n", ModelError, "none.tflite: no such file"),
        ("axes: {data: [none.npz]}\n", ConfigError, "data of a point: no such file: "),
        ("samples: 601\naxes: {array.rows: [8]}\n", DataError, "holds 600 samples, and 601 are asked for"),
        ("axes: {model: ['${HWQ_MLPERF_TINY}/ad01_int8.tflite']}\n", DataError, "x has shape"),
    ],
)
def test_inputs_are_checked_before_anything_is_entered(
    tmp_path: Path, axes: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        run(write_sweep(tmp_path, axes), tmp_path / "out", Inline())
    with reading(tmp_path / "out") as store:
        assert store.counts() == Counts(0, 0, 0, 0)
