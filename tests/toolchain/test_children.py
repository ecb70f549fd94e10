"""Programs that hwq starts end with it, and so do those that they start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hwq.errors import ToolError
from hwq.toolchain.children import run_child

_ROOT = Path(__file__).parents[2]

#: A program with a child of its own, which writes both numbers and does not end.
_FAMILY = ["/bin/sh", "-c", "sleep 100 & echo $$ $! > family.new; mv family.new family; wait"]


def run(folder: Path, *command: str) -> int:
    return run_child("it", command, folder / "log", folder, os.environ, time.monotonic())


def family(folder: Path) -> list[int]:
    """The numbers that `_FAMILY` writes, once they are there."""
    deadline = time.monotonic() + 20
    while not (folder / "family").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return [int(number) for number in (folder / "family").read_text().split()]


def alive(process: int) -> bool:
    """Whether a process runs; one that only waits to be buried does not."""
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return said.stdout.strip() not in ("", "Z", "Z+")


def assert_dead(processes: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(map(alive, processes)):
        assert time.monotonic() < deadline, processes
        time.sleep(0.02)


def test_exit_code_output_and_silence_on_stdin(tmp_path: Path) -> None:
    assert run(tmp_path, "/bin/sh", "-c", "cat; echo out; echo err >&2; exit 3") == 3
    assert (tmp_path / "log").read_text() == "out\nerr\n"
    assert run(tmp_path, "/bin/sh", "-c", "kill -s SEGV $$") == -signal.SIGSEGV


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"it did not start: .*nothing is not there, or not executable"):
        run(tmp_path, str(tmp_path / "nothing"))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interruption_ends_the_family(tmp_path: Path, error: type[BaseException]) -> None:
    seen: list[int] = []

    def tick(seconds: float) -> None:
        seen.extend(family(tmp_path))
        raise error

    with pytest.raises(error):
        run_child("it", _FAMILY, tmp_path / "log", tmp_path, os.environ, time.monotonic(), tick)
    assert_dead(seen)


def test_what_a_program_leaves_running_ends(tmp_path: Path) -> None:
    assert run(tmp_path, "/bin/sh", "-c", "sleep 100 & echo $! > family") == 0
    assert_dead(family(tmp_path))


def test_a_program_that_does_not_want_to_end(tmp_path: Path) -> None:
    stubborn = ["/bin/sh", "-c", "trap '' TERM; " + _FAMILY[2]]
    seen: list[int] = []

    def tick(seconds: float) -> None:
        seen.extend(family(tmp_path))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_child("it", stubborn, tmp_path / "log", tmp_path, os.environ, time.monotonic(), tick)
    assert_dead(seen)


def test_the_family_ends_when_hwq_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys, time; from hwq.toolchain.children import run_child\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "run_child('it', sys.argv[2:], folder / 'log', folder, os.environ, time.monotonic())"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path), *_FAMILY], cwd=_ROOT) as parent:
        processes = family(tmp_path)
        assert all(map(alive, processes))
        parent.send_signal(signal.SIGKILL)
    assert_dead(processes)
