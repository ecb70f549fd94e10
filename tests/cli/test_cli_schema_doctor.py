"""``hwq schema`` and ``hwq doctor``."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.config.models import project_schema
from hwq.toolchain import survey
from hwq.toolchain.survey import Finding, Status
from tests.cli.support import run_cli

Capture = pytest.CaptureFixture[str]


def test_schema_prints_one_object(capsys: Capture) -> None:
    result = run_cli(capsys, "schema")
    assert (result.code, result.err) == (0, "")
    assert result.json == project_schema()


def test_doctor_lists_tools(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    result = run_cli(capsys, "doctor")
    assert result.code == 0
    assert max(map(len, result.out.splitlines())) <= 100
    for tool in ("verilator", "g++", "make", "perl", "amaranth"):
        assert f"\n{tool} " in result.out
    assert "Every required tool is there." in result.out
    report = run_cli(capsys, "doctor", "--json")
    assert report.json["ok"] is True
    assert {"name", "status", "required", "version", "origin", "purpose", "install"} == set(report.json["tools"][0])


@pytest.mark.parametrize(("required", "code"), [(True, 2), (False, 0)])
def test_doctor_fails_only_for_required_tools(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, required: bool, code: int
) -> None:
    found = [
        Finding("make", Status.MISSING, required, "", "", "simulation", "install GNU make"),
        Finding("perl", Status.TOO_OLD, required, "5.8", "/usr/bin/perl", "simulation", "install perl [new]"),
    ]
    monkeypatch.setattr("hwq.cli.doctor.survey", lambda: found)
    result = run_cli(capsys, "doctor")
    assert result.code == code
    assert "install GNU make" in result.out
    assert "install perl [new]" in result.out
    assert "too old" in result.out
    assert ("Missing or too old: make, perl." in result.out) is required
    report = run_cli(capsys, "doctor", "--json")
    assert report.code == code
    assert report.json["ok"] is not required
    assert [tool["status"] for tool in report.json["tools"]] == ["missing", "too old"]


def test_doctor_with_an_empty_path(capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run_cli(capsys, "doctor", "--json")
    assert result.code == 2
    missing = {tool["name"] for tool in result.json["tools"] if tool["required"] and tool["status"] == "missing"}
    assert {"g++", "make", "perl"} <= missing
    assert survey.survey()
