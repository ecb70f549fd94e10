"""Processes that evaluate: outcomes, those that are killed, and that none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hwq.errors import ToolError
from hwq.explore import execution
from hwq.explore.evaluation import schedule
from hwq.explore.execution import LocalProcesses, Outcome, Task
from tests.explore.sweeps import CONFIGS
from tests.support.models import official_model

FOLDER = str(CONFIGS / "projects")
_ROOT = Path(__file__).parents[2]


def tasks(rows: list[int]) -> list[Task]:
    model = str(official_model("kws").resolve())
    return [Task(n, "schedule", {"model": model, "array": {"rows": size}}, FOLDER, None) for n, size in enumerate(rows)]


def collected(executor: LocalProcesses, count: int) -> dict[int, Outcome]:
    found: dict[int, Outcome] = {}
    deadline = time.monotonic() + 60
    while len(found) < count:
        assert time.monotonic() < deadline
        for outcome in executor.finished(0.1):
            assert outcome.number not in found
            found[outcome.number] = outcome
    return found


def gone(process: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            # A zombie that init has not met yet is gone too.
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(process, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_outcomes_are_what_the_functions_give_and_processes_end() -> None:
    work = tasks([4, 8, 300])
    with LocalProcesses(2) as executor:
        for task in work:
            executor.submit(task)
        found = collected(executor, 3)
        processes = executor.processes
        assert len(processes) == 2
    assert found[0].result == schedule(work[0].values, Path(FOLDER))
    assert found[1].result == schedule(work[1].values, Path(FOLDER))
    assert found[2].result is None
    assert "array.rows: must be an integer from 1 to 256, not 300" in (found[2].error or "")
    assert all(gone(process) for process in processes)


def hold(executor: LocalProcesses, task: Task) -> int:
    """Give ``task`` to a process that is stopped, so that it cannot have answered."""
    warm = Task(task.number + 1000, *list(vars(task).values())[1:])
    executor.submit(warm)
    collected(executor, 1)
    (process,) = executor.processes
    os.kill(process, signal.SIGSTOP)
    executor.submit(task)
    assert executor._workers[0].task is task
    return process


def test_a_killed_process_is_replaced_and_its_task_begun_once_more() -> None:
    (task,) = tasks([8])
    with LocalProcesses(1) as executor:
        first = hold(executor, task)
        os.kill(first, signal.SIGKILL)
        found = collected(executor, 1)
        assert executor.processes != (first,)
        assert found[0].result == schedule(task.values, Path(FOLDER))


#: A worker whose tasks of kind ``die`` kill it.
_FRAIL = """
import json, os, signal, sys
print('{"ready": true}', flush=True)
for line in sys.stdin:
    task = json.loads(line)
    if task["kind"] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps({"number": task["number"], "result": {}}), flush=True)
"""


def test_a_task_that_kills_its_process_twice_is_given_up_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "_PROGRAM", ("-c", _FRAIL))
    with LocalProcesses(2) as executor:
        for number, kind in enumerate(["live", "die", "live", "live"]):
            executor.submit(Task(number, kind, {}, FOLDER, None))
        found = collected(executor, 4)
    assert [found[number].result for number in range(4)] == [{}, None, {}, {}]
    assert found[1].error == "the process that evaluated it ended by signal SIGKILL, 2 times: out of memory?"


def test_processes_that_do_not_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "_PROGRAM", ("-c", "raise SystemExit(3)"))
    with LocalProcesses(1) as executor:
        executor.submit(tasks([8])[0])
        with pytest.raises(ToolError, match="did not start: it ended with exit code 3"):
            collected(executor, 1)


def test_a_folder_called_hwq_is_not_taken_for_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hwq").mkdir()
    (tmp_path / "hwq" / "__init__.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    with LocalProcesses(1) as executor:
        executor.submit(tasks([8])[0])
        assert collected(executor, 1)[0].error is None


def test_processes_end_with_whoever_started_them_even_killed() -> None:
    program = """
import sys, time
from hwq.explore.execution import LocalProcesses, Task
with LocalProcesses(2) as executor:
    for number in range(2):
        executor.submit(Task(number, "schedule", {"model": "none"}, ".", None))
    found = 0
    while found < 2:
        found += len(executor.finished(0.1))
    print(*executor.processes, flush=True)
    time.sleep(100)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=_ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        processes = [int(number) for number in parent.stdout.readline().split()]
        parent.kill()
    assert len(processes) == 2
    assert all(gone(process) for process in processes)
