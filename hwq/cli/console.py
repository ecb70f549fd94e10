"""What every verb prints with: tables on stdout, progress on stderr, or one JSON object on stdout."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from hwq.cli.wrapping import wrapped

#: Columns where the output is not a terminal and COLUMNS does not say.
_PLAIN_WIDTH = 120

#: Seconds of silence before progress is shown.
_PATIENCE = 1.0


class _PipeConsole(Console):
    """A console that leaves a closed pipe to the caller."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def _console(stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else _PLAIN_WIDTH
    return _PipeConsole(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=False, width=width)


def output() -> Console:
    """The console of results, stdout."""
    return _console(False)


def say(text: str, style: str = "") -> None:
    """Print a sentence of the results, broken between words on a terminal and in one line elsewhere."""
    output().print(wrapped(text, sys.stdout, obey_columns=True), style=style, soft_wrap=True)


def note(text: str) -> None:
    """Tell the user something that is not a result, on stderr."""
    sys.stderr.write(wrapped(f"hwq: {text}", sys.stderr) + "\n")


def print_json(result: Mapping[str, Any]) -> None:
    """The one JSON object of ``--json``."""
    sys.stdout.write(json.dumps(result, indent=2, allow_nan=False) + "\n")


class _Rate(ProgressColumn):
    """How many are done in a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.1f} {self._unit}/s")


@contextmanager
def progress(what: str, unit: str = "") -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal for work that lasts; the value is called with (done, total).

    Where ``unit`` says what is counted, the bar shows how many are done in a second.
    """
    rate = (_Rate(unit),) if unit else ()
    columns = (BarColumn(), MofNCompleteColumn(), *rate, TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    with _shown(what, columns) as bar:
        yield lambda done, total: bar.update(bar.task_ids[0], completed=done, total=total)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A line on the terminal, with the time, for work that lasts and cannot say how far it is."""
    with _shown(what, (TimeElapsedColumn(),)):
        yield


@contextmanager
def _shown(what: str, columns: Sequence[ProgressColumn]) -> Iterator[Progress]:
    console = _console(True)
    bar = Progress(SpinnerColumn(), TextColumn("{task.description}"), *columns, console=console, transient=True)
    bar.add_task(what, total=None)
    # From a thread of its own, for the work says nothing while it lasts.
    patience = threading.Timer(_PATIENCE, bar.start)
    if console.is_terminal:
        patience.start()
    try:
        yield bar
    finally:
        patience.cancel()
        if console.is_terminal:
            patience.join()
        if bar.live.is_started:
            bar.stop()


@contextmanager
def patient_interrupts() -> Iterator[Callable[[], bool]]:
    """Let work end in good order on Ctrl-C: the value says whether it was pressed. A second one interrupts at once.

    Where whoever started the process ignores the signal, as nohup does, it stays ignored.
    """
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if ignored or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
