"""Programs that hwq starts and waits for: they, and all that they start, end with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hwq.errors import ToolError

#: Called now and then while a program runs, with the seconds since work began.
Tick = Callable[[float], None]

#: Seconds that programs have to end in after they were asked to.
_GRACE = 2.0

#: Starts the program in its arguments, beside a guard that waits for the end of standard input and then kills the
#: process group, itself too. hwq holds the other end, and does not write: the end comes when hwq closes it, or dies of
#: whatever cause. make's compilers are in the group like make itself.
_GUARDED = 'exec 3<&0 </dev/null; { read nothing <&3; kill -s KILL 0; } & exec 3<&-; exec "$@"'


def run_child(
    name: str,
    command: Sequence[str],
    log: Path,
    directory: Path,
    environment: Mapping[str, str],
    begun: float,
    tick: Tick | None = None,
) -> int:
    """Run a program in a process group of its own until it ends; an interruption ends all of the group.

    Parameters
    ----------
    name:
        What a message calls it.
    command:
        The program and its arguments.
    log:
        File for all that it prints.
    directory:
        Its working directory.
    environment:
        Its whole environment.
    begun:
        When work began, by `time.monotonic`.
    tick:
        Called while it runs.

    Returns
    -------
    Its exit code; the negative number of the signal where one ended it.

    Raises
    ------
    ToolError
        When it does not start.
    """
    if not os.access(command[0], os.X_OK):
        raise ToolError(f"{name} did not start: {command[0]} is not there, or not executable")
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _GUARDED, "hwq", *command],
                cwd=directory,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )
    except OSError as error:
        raise ToolError(f"{name} did not start: {error.strerror}") from None
    try:
        _wait(process, begun, tick)
    except BaseException:
        _signal_group(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        raise
    finally:
        # What is left of the group, be it only the guard.
        _signal_group(process, signal.SIGKILL)
        process.wait()
        if process.stdin is not None:
            process.stdin.close()
    return process.returncode


def _wait(process: subprocess.Popen[bytes], begun: float, tick: Tick | None) -> None:
    while True:
        try:
            process.wait(timeout=0.1)
            return
        except subprocess.TimeoutExpired:
            if tick is not None:
                tick(time.monotonic() - begun)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # Nobody may be left; and macOS forbids what only zombies would receive.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
