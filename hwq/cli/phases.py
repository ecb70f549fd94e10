"""Progress of work that goes through phases: what is being done now, and for how long."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

#: Seconds that a phase lasts before a log, which is no terminal, is told of it.
_PATIENCE = 2.0


@contextmanager
def phases() -> Iterator[Callable[[str], None]]:
    """A line on stderr that says what is being done; the value is called with the phase, as often as one likes.

    On a terminal the line is replaced as work goes on and vanishes at the end. Elsewhere a phase is written once, when
    it has lasted a while.
    """
    console = Console(stderr=True, highlight=False, markup=False)
    line = _Terminal(console) if console.is_terminal else _Log()
    try:
        yield line.show
    finally:
        line.stop()


class _Terminal:
    def __init__(self, console: Console) -> None:
        self._begun = time.monotonic()
        self._status = Status("", console=console, spinner="dots")
        self._status.start()

    def show(self, what: str) -> None:
        self._status.update(f"{what}  {time.monotonic() - self._begun:.0f} s")

    def stop(self) -> None:
        self._status.stop()


class _Log:
    def __init__(self) -> None:
        self._what, self._since, self._told = "", 0.0, False

    def show(self, what: str) -> None:
        now = time.monotonic()
        if what != self._what:
            self._what, self._since, self._told = what, now, False
        elif not self._told and now - self._since > _PATIENCE:
            sys.stderr.write(f"hwq: {what} ...\n")
            self._told = True

    def stop(self) -> None:
        """Nothing to take back."""
