"""Cells of an ECP5: every multiplier and every memory is where it belongs, and the table says so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArrayParameters, BufferParameters
from hwq.config.project import load_project
from hwq.errors import ToolError
from hwq.frontends import load
from hwq.schedule.planning import with_engines
from hwq.toolchain.yosys import find_mapper
from tests.bench import resources
from tests.bench.resources import CELLS
from tests.support.models import official_model

PROJECTS = Path(__file__).parents[2] / "configs" / "projects"

#: Memories so large that each has to be block RAM.
TINY = Accelerator(ArrayParameters(2, 2), buffers=BufferParameters(4096, 4096, 512, 16, 512))


def needs_yosys() -> None:
    try:
        find_mapper()
    except ToolError as error:
        pytest.skip(str(error))


def test_multipliers_and_memories_of_a_tiny_accelerator() -> None:
    needs_yosys()
    found = resources.resources(TINY)
    assert list(found) == list(CELLS)
    # Four PEs, and four multipliers of the only lane.
    assert found["MULT18X18D"] == 4 + 4
    # Two for each of weights, records and descriptors, one for each bank of activations, two for each of accumulators.
    assert (found["DP16KD"], found["TRELLIS_DPR16X4"]) == (12, 0)
    assert found["LUT4"] > 0 and found["TRELLIS_FF"] > 0


@pytest.mark.proof
@pytest.mark.parametrize("model", ["ad", "ic", "kws", "vww"])
def test_8x8_fits_the_largest_ecp5(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_yosys()
    monkeypatch.setenv("HWQ_MLPERF_TINY", str(official_model(model).parent))
    project = load_project(PROJECTS / f"{model}_8x8.yaml")
    found = resources.resources(with_engines(load(project.model), project.accelerator, project.auto))
    assert {cell: found[cell] for cell, most in CELLS.items() if most is not None and found[cell] > most} == {}
    # AD has 16 accumulators in a bank, which are not worth block RAM.
    assert (found["TRELLIS_DPR16X4"] > 0) == (model == "ad")


def test_it_prints_every_project(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", str(official_model("kws").parent))
    monkeypatch.setattr(resources, "resources", lambda accelerator: dict.fromkeys(CELLS, accelerator.array.rows))
    assert resources.main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        path.stem: dict.fromkeys(CELLS, 16 if "16x16" in path.stem else 8) for path in PROJECTS.glob("*.yaml")
    }
    assert resources.main([str(PROJECTS / "kws_8x8.yaml")]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [re.findall(r"[\w,-]+", line) for line in lines]
    assert ["kws_8x8", *["8"] * len(CELLS)] in rows
    assert ["LFE5UM-85", "83,640", "41,820", "83,640", "208", "156"] in rows


def test_it_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert resources.main(["nowhere.yaml"]) == 2
    assert "nowhere.yaml" in capsys.readouterr().err
