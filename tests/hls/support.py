"""Emitting C++ projects and running their testbenches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, InputZeroPoint
from hwq.emulate import Emulator
from hwq.graph.network import Network
from hwq.hls.assembly import assemble
from hwq.hls.emission import write_project
from hwq.hls.flavors import Flavor
from hwq.schedule.order import ordered_sums


def emit(
    network: Network, accelerator: Accelerator, x: NDArray[np.integer], root: Path, flavor: Flavor = Flavor.PORTABLE
) -> None:
    """Write the project of ``network`` with the vectors of samples ``x``."""
    source = assemble(network, accelerator)
    emulator = Emulator(network, accelerator.arithmetic.contract, sums=ordered_sums(network, accelerator))
    write_project(source, flavor, emulator.trace(x), root)


def hardware(rows: int, columns: int, zero_point: InputZeroPoint = InputZeroPoint.FOLDED) -> Accelerator:
    """An array of a size."""
    return Accelerator(ArrayParameters(rows, columns), ArithmeticParameters(input_zero_point=zero_point))


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


def badly_laid_out(root: Path) -> list[str]:
    """Files that clang-format would change."""
    files = [str(path.relative_to(root)) for path in sorted(root.rglob("*")) if path.suffix in (".h", ".cpp")]
    program = str(Path(sys.executable).parent / "clang-format")
    command = [program, "--style=file", "--dry-run", "--Werror", *files]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    found = sorted({line.split(":")[0] for line in done.stderr.splitlines() if ": error: " in line})
    assert (done.returncode == 0) == (found == []), done.stderr
    return found


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first ``old`` in a file, which has to hold it."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
