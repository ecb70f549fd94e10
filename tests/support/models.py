"""Where the official MLPerf Tiny models are, and what to do where they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

#: File of each official int8 model, by its short name.
OFFICIAL = {
    "ad": "ad01_int8.tflite",
    "ic": "pretrainedResnet_quant.tflite",
    "kws": "kws_ref_model.tflite",
    "vww": "vww_96_int8.tflite",
}

#: File of each official model of real numbers.
OFFICIAL_FLOAT = {
    "ad": "ad01_fp32.tflite",
    "ic": "pretrainedResnet.tflite",
    "kws": "kws_ref_model_float32.tflite",
    "vww": "vww_96_float.tflite",
}


def official_file(name: str) -> Path:
    """A file of the benchmark's folder; without the folder the test fails in CI and is skipped elsewhere."""
    default = Path(__file__).parents[2] / ".." / "shared" / "mlperf_tiny"
    path = Path(os.environ.get("HWQ_MLPERF_TINY", default)) / name
    if not path.is_file():
        message = f"{path} is missing: set HWQ_MLPERF_TINY to the folder of MLPerf Tiny's models"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path


def official_model(name: str) -> Path:
    """The official int8 model called ``ad``, ``ic``, ``kws`` or ``vww``."""
    return official_file(OFFICIAL[name])


def official_float_model(name: str) -> Path:
    """The official model of real numbers called ``ad``, ``ic``, ``kws`` or ``vww``."""
    return official_file(OFFICIAL_FLOAT[name])
