"""Emitting C++ projects and running their testbenches."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwq.arch.accelerator import Accelerator
from hwq.emulate import Emulator
from hwq.graph.network import Network
from hwq.hls.assembly import assemble
from hwq.hls.emission import Flavor, write_project
from hwq.schedule.order import ordered_sums


def emit(network: Network, accelerator: Accelerator, x: NDArray[np.integer], root: Path) -> None:
    """Write the project of ``network`` with the vectors of samples ``x``."""
    source = assemble(network, accelerator)
    emulator = Emulator(network, accelerator.arithmetic.contract, sums=ordered_sums(network, accelerator))
    write_project(source, Flavor.PORTABLE, emulator.trace(x), root)


def make(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """``make`` in the project."""
    command = ["make", "-s", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def passes(root: Path, *words: str) -> str:
    """What ``make test`` prints, which has to pass without a warning."""
    done = make(root, "test", *words)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert done.stderr == ""
    assert "PASS: " in done.stdout
    return done.stdout


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first ``old`` in a file, which has to hold it."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
