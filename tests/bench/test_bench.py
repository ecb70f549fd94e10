"""The benchmark runs and reports every contender; its figures are read by people, not asserted."""

from __future__ import annotations

import json

import pytest

from tests.bench import emulator, timing
from tests.support.models import OFFICIAL, official_model


def test_bench_reports_all_contenders(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", str(official_model("kws").parent))
    monkeypatch.setattr(timing, "_ROUNDS", 3)
    monkeypatch.setattr(timing, "_SLICE", 0.01)
    assert emulator.main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["inferences_per_second"]) == set(OFFICIAL)
    for name, rates in found["inferences_per_second"].items():
        assert {"hwq", "tflite-micro", "LiteRT reference", "LiteRT optimized", "LiteRT xnnpack"} < set(rates)
        assert all(rate > 0 for rate in rates.values()), name
    assert all(rate > 0 for rate in found["mmacs_per_second"].values())
    ordered = found["ordered_mmacs_per_second"]
    assert {name.split(",")[0] for name in ordered} == {"hwq", "APyTypes", "ap_fixed"}
    assert all(rate > 0 for rate in ordered.values())


def test_bench_says_which_model_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", str(tmp_path))
    assert emulator.main([]) == 2
    assert "ad01_int8.tflite is missing: set HWQ_MLPERF_TINY" in capsys.readouterr().err
