"""Processors that hwq has not met: the same bits without AVX-512, and without anything beyond the baseline."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.mark.proof
@pytest.mark.parametrize("features", ["", "+sse4.2,+avx,+avx2,+fma,+bmi,+bmi2,+f16c"], ids=["baseline", "avx2"])
def test_kernels_compiled_for_a_lesser_processor_give_the_same_bits(features: str, tmp_path: Path) -> None:
    environment = os.environ | {
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": features,
        "NUMBA_CACHE_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/emulate"]
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "AVX-512 VNNI" in done.stdout, "the lesser processor was not taken for one"
