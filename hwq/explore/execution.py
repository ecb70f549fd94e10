"""Where tasks are computed: an interface, and the processes of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import hwq
from hwq.errors import ToolError

#: Times that a task is begun whose process ended in the middle of it.
_ATTEMPTS = 2

#: Seconds that processes have to end in after their input did.
_GRACE = 5.0

#: Arguments of Python that make it a worker; a folder ``hwq`` where it is started is not this package.
_PROGRAM = ("-P", "-m", "hwq.explore.worker")

#: One thread for each process: there is a process for each core.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


@dataclass(frozen=True)
class Task:
    """Plain values for `hwq.explore.worker.outcome`; ``number`` tells tasks apart."""

    number: int
    kind: str
    values: Mapping[str, Any]
    folder: str
    count: int | None


@dataclass(frozen=True)
class Outcome:
    """What became of a task: its result, or why there is none."""

    number: int
    result: dict[str, Any] | None
    error: str | None


class Executor(Protocol):
    """Computes tasks in any order, each once, as many at a time as it has slots."""

    @property
    def slots(self) -> int:
        """Tasks that it computes at a time; more may be submitted, and wait."""

    def submit(self, task: Task) -> None:
        """Take a task."""

    def finished(self, timeout: float) -> list[Outcome]:
        """What has finished since the last call, waiting up to ``timeout`` seconds for the first one.

        Raises
        ------
        ToolError
            Nothing can be computed.
        """


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    ready: bool = False
    task: Task | None = None
    buffer: bytearray = field(default_factory=bytearray)


class LocalProcesses:
    """Processes of this machine, ``count`` of them; a context manager, at whose end they are gone.

    One that ends in the middle of a task, as when the system has no more memory, is replaced; its task is begun once
    more, and is then given up. They are in a session of their own, so that Ctrl-C is for whoever started them.
    """

    def __init__(self, count: int) -> None:
        self.slots = count
        self._waiting: deque[Task] = deque()
        self._attempts: dict[int, int] = {}
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            _end(worker)
        for worker in self._workers:
            _wait(worker.process)
        self._workers.clear()
        self._selector.close()

    @property
    def processes(self) -> tuple[int, ...]:
        """Their numbers."""
        return tuple(worker.process.pid for worker in self._workers)

    def submit(self, task: Task) -> None:
        """Take a task."""
        self._waiting.append(task)
        if len(self._workers) < self.slots and all(worker.task or not worker.ready for worker in self._workers):
            self._start()
        self._hand_out()

    def finished(self, timeout: float) -> list[Outcome]:
        """See `Executor.finished`."""
        outcomes: list[Outcome] = []
        for key, _ in self._selector.select(timeout):
            worker: _Worker = key.data
            assert worker.process.stdout is not None
            data = os.read(worker.process.stdout.fileno(), 1 << 16)
            if not data:
                outcomes += self._lost(worker)
                continue
            worker.buffer += data
            *lines, rest = bytes(worker.buffer).split(b"\n")
            worker.buffer = bytearray(rest)
            outcomes += [found for line in lines if (found := _read(worker, line))]
        self._hand_out()
        return outcomes

    def _start(self) -> None:
        root = str(Path(hwq.__file__).parents[1])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        process = subprocess.Popen(
            [sys.executable, *_PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path},
            start_new_session=True,
        )
        worker = _Worker(process)
        self._workers.append(worker)
        assert process.stdout is not None
        self._selector.register(process.stdout, selectors.EVENT_READ, worker)

    def _hand_out(self) -> None:
        for worker in self._workers:
            if self._waiting and worker.ready and worker.task is None:
                worker.task = self._waiting.popleft()
                number = worker.task.number
                self._attempts[number] = self._attempts.get(number, 0) + 1
                assert worker.process.stdin is not None
                # One that has just ended is found by its output.
                with contextlib.suppress(BrokenPipeError):
                    worker.process.stdin.write(json.dumps(vars(worker.task)).encode() + b"\n")
                    worker.process.stdin.flush()

    def _lost(self, worker: _Worker) -> list[Outcome]:
        """Replace a worker that has ended, and begin its task anew or give it up."""
        self._selector.unregister(worker.process.stdout)  # type: ignore[arg-type]
        self._workers.remove(worker)
        _end(worker)
        code = _wait(worker.process)
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        if not worker.ready:
            raise ToolError(f"a process that evaluates points did not start: it ended {how}")
        self._start()
        task = worker.task
        if task is None:
            return []
        if self._attempts[task.number] < _ATTEMPTS:
            self._waiting.appendleft(task)
            return []
        hint = ": out of memory?" if code == -signal.SIGKILL else ""
        return [Outcome(task.number, None, f"the process that evaluated it ended {how}, {_ATTEMPTS} times{hint}")]


def _read(worker: _Worker, line: bytes) -> Outcome | None:
    said = json.loads(line)
    if not worker.ready:
        worker.ready = True
        return None
    worker.task = None
    return Outcome(said["number"], said.get("result"), said.get("error"))


def _end(worker: _Worker) -> None:
    """Tell a process to end, which it does when its input ends."""
    for pipe in (worker.process.stdin, worker.process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
