"""Requests to end: they unwind like Ctrl-C, so that what was started ends and scratch folders go."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: ``kill`` and what supervises jobs send the first, a terminal that is closed the second.
_REQUESTS = (signal.SIGTERM, signal.SIGHUP)


class Terminated(BaseException):
    """The process was asked to end, by signal ``number``."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def exit_code(self) -> int:
        """What a shell says of a process that this signal ended."""
        return 128 + self.number


@contextmanager
def terminations() -> Iterator[None]:
    """While it lasts, a request to end raises `Terminated`; further ones do not disturb the cleaning up.

    What somebody chose to ignore, as ``nohup`` does, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in _REQUESTS if signal.getsignal(number) is signal.SIG_DFL]

    def end(number: int, frame: FrameType | None) -> None:
        for each in taken:
            signal.signal(each, signal.SIG_IGN)
        raise Terminated(number)

    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
