"""Requests to end: what was started ends, what was for the moment goes, and the exit code says why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]

#: The command with a verb that works in a scratch folder and waits there for a program that does not end.
_PROGRAM = """
import os, pathlib, signal, sys, time, types
from hwq.cli.app import main
from hwq.toolchain.children import run_child
from hwq.toolchain.scratch import scratch_folder

def command() -> None:
    "Wait."
    parent = pathlib.Path(sys.argv[1])
    with scratch_folder("work-", parent) as folder:
        wait = ["/bin/sh", "-c", "echo $$ > started.new; mv started.new started; exec sleep 100"]
        run_child("it", wait, folder / "log", folder, os.environ, time.monotonic())

sys.modules["hwq.cli.schema"] = types.SimpleNamespace(command=command)
if len(sys.argv) > 2:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
sys.exit(main(["schema"]))
"""


def start(folder: Path, *arguments: str) -> tuple[subprocess.Popen[str], int]:
    """The command while its program runs, and the program's number."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(folder), *arguments], cwd=_ROOT, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not (found := list(folder.glob("work-*/started"))):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    return process, int(found[0].read_text())


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [
        (signal.SIGTERM, 143, "hwq: terminated\n"),
        (signal.SIGHUP, 129, "hwq: terminated\n"),
        (signal.SIGINT, 130, "hwq: interrupted\n"),
    ],
)
def test_a_request_to_end(tmp_path: Path, number: signal.Signals, code: int, message: str) -> None:
    process, program = start(tmp_path)
    process.send_signal(number)
    assert process.communicate(timeout=30)[1] == message
    assert process.returncode == code
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(program, 0)


def test_nohup_is_respected(tmp_path: Path) -> None:
    process, _ = start(tmp_path, "nohup")
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[1] == "hwq: terminated\n"
    assert process.returncode == 143
