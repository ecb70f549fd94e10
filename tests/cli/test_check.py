"""hwq check: passes and fails with margins, and its refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hwq.cost.device import DEVICES
from hwq.examples.digits import project_file
from tests.cli.support import refused, run_cli

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project() -> Iterator[Path]:
    with project_file() as path:
        yield path


def test_what_is_within_its_limits_passes(project: Path, capsys: Capture) -> None:
    result = run_cli(capsys, "check", project, "--device", "ecp5-85k", "--deadline", 5)
    assert result.code == 0
    assert result.out.splitlines()[0] == "digits on LFE5U-85F-6BG381C at 50 MHz"
    assert result.out.splitlines()[-1] == "PASS"
    assert re.search(r"^latency +[\d.]+ ms +5 ms +[\d.]+%  ok$", result.out, re.MULTILINE)


def test_what_is_beyond_a_limit_fails(project: Path, capsys: Capture) -> None:
    result = run_cli(capsys, "check", project, "--device", "ecp5-85k", "--deadline", 0.001, "--ambient", 90)
    assert result.code == 1
    assert result.out.splitlines()[-1] == "FAIL: latency, junction temperature"
    assert re.search(r"^latency .* -[\d,.]+%  beyond$", result.out, re.MULTILINE)


def test_json(project: Path, capsys: Capture) -> None:
    fast = run_cli(capsys, "check", project, "--device", "zynq-7020", "--clock-mhz", 200, "--json").json
    slow = run_cli(capsys, "check", project, "--device", "zynq-7020", "--json").json
    assert (fast["clock_mhz"], slow["clock_mhz"]) == (200, 100)
    assert (slow["device"], slow["part"], slow["evidence"]) == ("zynq-7020", "XC7Z020", "modelled")
    assert slow["passed"] is True
    assert slow["figures"]["latency"] == {
        "value": slow["cycles"] / 1e5,
        "unit": "ms",
        "limit": None,
        "margin": None,
        "good": True,
    }
    assert fast["figures"]["latency"]["value"] == slow["cycles"] / 2e5
    assert slow["figures"]["energy"]["value"] == pytest.approx(sum(slow["energy_uj"].values()))


def test_a_device_of_ones_own(project: Path, tmp_path: Path, capsys: Capture) -> None:
    mine = tmp_path / "mine.yaml"
    text = (DEVICES / "ecp5-85k.yaml").read_text(encoding="utf-8")
    mine.write_text(text.replace("part: LFE5U-85F-6BG381C", "part: my board"), encoding="utf-8")
    assert run_cli(capsys, "check", project, "--device", mine, "--json").json["part"] == "my board"
    mine.write_text(text.replace("volts: 1.1", "volts: high"), encoding="utf-8")
    message = refused(capsys, "check", project, "--device", mine)
    assert re.search(r"mine\.yaml:\d+: volts: must be a number from 0.1 to 10, not 'high'", message)


def test_refusals(project: Path, capsys: Capture) -> None:
    assert "no device 'ecp5'" in refused(capsys, "check", project, "--device", "ecp5")
    assert "'--device'" in refused(capsys, "check", project)
    assert "--deadline" in refused(capsys, "check", project, "--device", "ecp5-85k", "--deadline", 0)
