"""Progress: on a terminal once work lasts, and never elsewhere."""

from __future__ import annotations

import io
import signal
import threading
import time

import pytest
from rich.console import Console
from rich.progress import Progress

from hwq.cli import console


def stderr(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> io.StringIO:
    text = io.StringIO()
    monkeypatch.setattr(console, "_console", lambda _: Console(file=text, force_terminal=terminal, width=100))
    monkeypatch.setattr(console, "_PATIENCE", 0.05)
    return text


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = stderr(monkeypatch, terminal=True)
    with console.progress("emulating") as report:
        report(1, 40)
        time.sleep(0.2)
        report(39, 40)
    assert "emulating" in text.getvalue()
    assert "39/40" in text.getvalue()


def test_waiting_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = stderr(monkeypatch, terminal=True)
    with console.waiting("preparing"):
        time.sleep(0.2)
    assert "preparing" in text.getvalue()
    assert "0:00:00" in text.getvalue()


def test_quick_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    text = stderr(monkeypatch, terminal=True)
    monkeypatch.setattr(console, "_PATIENCE", 60.0)
    threads = threading.active_count()
    with console.progress("emulating") as report:
        report(1, 2)
    assert text.getvalue() == ""
    assert threading.active_count() <= threads


def test_nothing_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = stderr(monkeypatch, terminal=False)
    with console.progress("emulating") as report, console.waiting("preparing"):
        report(1, 2)
        time.sleep(0.1)
    assert text.getvalue() == ""


def test_errors_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr(monkeypatch, terminal=True)
    threads = threading.active_count()
    with pytest.raises(KeyError), console.progress("emulating"):
        raise KeyError
    assert threading.active_count() <= threads


def test_interrupts_outside_the_main_thread_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with console.patient_interrupts() as interrupted:
            seen.append((interrupted(), signal.getsignal(signal.SIGINT) is before))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, True)]


def test_plain_output_is_wide_enough_and_columns_decides(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert console.output().width == 120
    monkeypatch.setenv("COLUMNS", "90")
    assert console.output().width == 90


def test_progress_says_how_many_are_done_in_a_second() -> None:
    seconds = [0.0]
    bar = Progress(get_time=lambda: seconds[0])
    task = bar.add_task("", total=100)
    for second in (1, 2, 3):
        seconds[0] = float(second)
        bar.update(task, completed=20 * second)
    assert console._Rate("points").render(bar.tasks[0]).plain == "20.0 points/s"
