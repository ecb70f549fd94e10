"""Compiled kernels are reused between runs, and never when any module of the emulator has changed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]

_PROGRAM = """
from hwq.numeric import fixed_point
print(fixed_point.divide(5, 1), sum(fixed_point.divide.stats.cache_hits.values()))
"""


def _run(folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=folder, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.split()


def test_kernels_are_kept_only_while_every_module_is_the_same(tmp_path: Path) -> None:
    """A change of a module that the kernel's own file only imports: numba alone would not notice it."""
    shutil.copytree(_ROOT / "hwq", tmp_path / "hwq", ignore=shutil.ignore_patterns("__pycache__"))
    assert _run(tmp_path) == ["3", "0"]
    assert _run(tmp_path) == ["3", "1"]
    other = tmp_path / "hwq" / "emulate" / "epilogue.py"
    other.write_text(other.read_text() + "\n# Changed.\n")
    assert _run(tmp_path) == ["3", "0"]
    assert _run(tmp_path) == ["3", "1"]


def test_kernels_compile_anew_where_nothing_can_be_kept(tmp_path: Path) -> None:
    """A folder of sources that cannot be written, and no user's cache folder either."""
    shutil.copytree(_ROOT / "hwq", tmp_path / "hwq", ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        "from numba.core import caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "caching.CompileResultCacheImpl._locator_classes = []\n" + _PROGRAM
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.split() == ["3", "0"]
