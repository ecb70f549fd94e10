"""Every sweep below configs/ loads, and every point of it is a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.explore.document import load_sweep
from hwq.explore.points import sweep_points
from tests.explore.sweeps import CONFIGS
from tests.support.models import official_file

FILES = sorted(CONFIGS.glob("sweeps/*.yaml"))


def test_there_are_some() -> None:
    assert {"kws_array", "kws_accumulator"} <= {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_it_loads_and_says_what_it_is_for(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", str(official_file("ad01_int8.tflite").parent))
    assert path.read_text(encoding="utf-8").startswith("# ")
    sweep = load_sweep(path)
    assert len(sweep_points(sweep, tmp_path)) >= 10
    assert sweep.objectives
