"""``hwq report`` from the outside: where the file goes, and what is refused before anything is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hwq.report.pictures import picture_names
from hwq.toolchain.tools import Tool
from tests.cli.support import refused, run_cli, small_model
from tests.report.stores import fill
from tests.report.test_page import embedded

Capture = pytest.CaptureFixture[str]


def small_project(folder: Path) -> Path:
    small_model(folder)
    path = folder / "small.yaml"
    path.write_text("model: small.hwqnet\narithmetic: {accumulator_bits: 24}\n", encoding="utf-8")
    return path


def test_a_sweep(capsys: Capture, tmp_path: Path) -> None:
    fill(tmp_path)
    result = run_cli(capsys, "report", tmp_path, "--json")
    path = tmp_path / "report.html"
    assert result.json == {"report": str(path), "bytes": path.stat().st_size, "pictures": []}
    elsewhere = tmp_path / "deep" / "r.html"
    result = run_cli(capsys, "report", tmp_path, "-o", elsewhere)
    assert (result.code, result.out) == (0, f"Report   {elsewhere}\n")
    assert elsewhere.read_bytes() == path.read_bytes()


def test_a_project(capsys: Capture, tmp_path: Path) -> None:
    path = small_project(tmp_path)
    assert run_cli(capsys, "report", path).out == f"Report   {tmp_path / 'small.html'}\n"
    page = (tmp_path / "small.html").read_text(encoding="utf-8")
    data = embedded(page)
    assert isinstance(data, dict)
    assert (data["project"], data["yaml"]) == ("small", path.read_text(encoding="utf-8"))
    assert {layer["place"] for layer in data["layers"]} > {"array", "host"}


def test_pictures(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small_project(tmp_path)
    program = tmp_path / "browser"
    program.write_text(
        '#!/bin/sh\nfor word; do case "$word" in --screenshot=*) echo picture > "${word#--screenshot=}";; esac; done\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setattr("hwq.cli.report.find_browser", lambda: Tool("chromium", "1", "here", (str(program),)))
    result = run_cli(capsys, "report", path, "--png", tmp_path / "png", "--json")
    names = picture_names((tmp_path / "small.html").read_text(encoding="utf-8"))
    assert result.json["pictures"] == [str(tmp_path / "png" / f"{name}.png") for name in names]
    assert all(Path(picture).read_text(encoding="utf-8") == "picture\n" for picture in result.json["pictures"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "gone"], "gone: no such folder; hwq sweep SWEEP.yaml -o gone makes them"),
        (["report", "empty"], "empty: holds no results of a sweep"),
        (["report", "gone.yaml"], "gone.yaml: no such file"),
        (["report", "empty", "-o", "empty"], "--output empty: is a folder; name a file: empty/report.html"),
        (
            ["report", "model.tflite"],
            "model.tflite: a file; give the folder of a sweep's results, or a project's .yaml",
        ),
    ],
    ids=" ".join,
)
def test_refusals(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "model.tflite").write_bytes(b"")
    assert message in refused(capsys, *arguments)
    assert sorted(os.listdir(tmp_path)) == ["empty", "model.tflite"]
    assert os.listdir(tmp_path / "empty") == []


def test_without_a_browser_nothing_is_written(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small_project(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "chromium is missing: install Chromium" in refused(capsys, "report", path, "--png", tmp_path / "png")
    assert sorted(os.listdir(tmp_path)) == ["small.hwqnet", "small.yaml"]


def test_a_place_that_cannot_be_written_is_named(capsys: Capture, tmp_path: Path) -> None:
    path = small_project(tmp_path)
    assert f"cannot write {path}/r.html" in refused(capsys, "report", path, "-o", path / "r.html")
