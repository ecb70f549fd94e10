"""``hwq init``: the project it writes loads, holds the network, and says why."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hwq.cli import init
from hwq.cli.projects import open_design
from hwq.graph.files import save_network
from tests.cli.support import refused, run_cli
from tests.support.convolutions import small_network


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_network(small_network(), tmp_path / "small.hwq")
    return tmp_path / "small.hwq"


def test_a_project_that_holds_the_model(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "sub" / "small.yaml"
    project.parent.mkdir()
    result = run_cli(capsys, "init", model, "-o", project, "--rows", 4, "--columns", 6, "--json")
    assert result.code == 0
    design = open_design(project).design
    assert result.json["predicted_cycles"] == design.program.network.predicted_cycles  # type: ignore[union-attr]
    assert (result.json["multipliers"], result.json["host_layers"]) == (24, [])
    text = project.read_text(encoding="utf-8")
    assert "../small.hwq" in text
    assert "accumulator_bits: " in text and "# the most that a layer's sums need" in text
    # What it wrote is all used: every memory is full.
    assert all(used == size for used, size in list(design.program.used().values())[1:])


def test_an_existing_file_is_kept(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "p.yaml"
    project.write_text("mine", encoding="utf-8")
    assert f"{project} exists; give another name with -o, or --force" in refused(capsys, "init", model, "-o", project)
    assert project.read_text(encoding="utf-8") == "mine"
    assert run_cli(capsys, "init", model, "-o", project, "--force").code == 0


def test_it_asks_in_a_terminal(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    answers = iter([str(model), "", 4])
    monkeypatch.setattr(init.typer, "prompt", lambda *question, **options: next(answers))
    result = run_cli(capsys, "init", "-o", tmp_path / "asked.yaml", "--json")
    assert result.json["multipliers"] == 16


def test_without_a_terminal_it_does_not_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no model given; say hwq init MODEL" in refused(capsys, "init", "-o", tmp_path / "p.yaml")


@pytest.mark.parametrize(("option", "value"), [("--rows", 0), ("--data", "missing.npz")])
def test_bad_values_are_refused(
    option: str, value: object, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(capsys, "init", model, "-o", tmp_path / "p.yaml", option, value)
    assert ("rows" if option == "--rows" else "missing.npz") in message
    assert not (tmp_path / "p.yaml").exists()
