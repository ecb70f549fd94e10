"""The command's frame: help, version, usage errors, and what becomes of every kind of exception."""

from __future__ import annotations

import errno
import importlib
import os
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import pytest

import hwq
from hwq.cli import app
from hwq.errors import CapacityError, ConfigError, MismatchError, ToolError
from tests.cli.support import refused, run_cli

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]


def start(*arguments: str, **kwargs: object) -> subprocess.Popen[str]:
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "hwq", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **kwargs,
    )


@pytest.fixture
def fake_verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Makes the verb ``schema`` raise."""

    def make(error: BaseException) -> None:
        def command() -> None:
            """Raise."""
            raise error

        module = types.SimpleNamespace(command=command)
        monkeypatch.setattr(importlib, "import_module", lambda name: module)

    return make


def test_help_names_every_verb_and_the_exit_codes(capsys: Capture) -> None:
    for arguments in ([], ["--help"], ["-h"]):
        result = run_cli(capsys, *arguments)
        assert result.code == 0
        assert all(f" {verb} " in result.out for verb in app.VERBS)
        assert "0 good, 1 mismatch, 2 bad input or missing tool" in result.out


def test_version(capsys: Capture) -> None:
    assert run_cli(capsys, "--version") == run_cli(capsys, "--version", "schema")
    result = run_cli(capsys, "--version")
    assert (result.code, result.out) == (0, f"hwq {hwq.__version__}\n")


@pytest.mark.parametrize("verb", list(app.VERBS))
def test_every_verb_has_help(capsys: Capture, verb: str) -> None:
    result = run_cli(capsys, verb, "--help")
    assert result.code == 0
    assert f"hwq {verb}" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspcet"], "no verb 'inspcet'; did you mean inspect?"),
        (["frobnicate"], "no verb 'frobnicate'; verbs are inspect, init, run"),
        (["--vers"], "no option --vers; did you mean --version?"),
        (["-x"], "no option -x"),
        (["doctor", "--jsn"], "no option --jsn; did you mean --json?\ntry: hwq doctor --help"),
        (["schema", "more"], "unexpected extra argument"),
        (["inspect"], "Missing argument 'MODEL'"),
        (["run", "a.tflite", "--data"], "--data"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usage_errors(capsys: Capture, arguments: list[str], message: str) -> None:
    assert message in refused(capsys, *arguments)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ConfigError("rows: no"), 2, "hwq: error: rows: no\n"),
        (CapacityError("too small"), 2, "hwq: error: too small\n"),
        (ToolError("yosys is missing: pip install yosys"), 2, "hwq: error: yosys is missing: pip install yosys\n"),
        (MismatchError("layer a: 1 != 2"), 1, "hwq: error: layer a: 1 != 2\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "hwq: error: No space left on device\n"),
        (PermissionError(errno.EACCES, "Permission denied", "/a/b"), 2, "hwq: error: /a/b: Permission denied\n"),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "/a"), 2, "hwq: error: /a: Is a directory\n"),
        (MemoryError(), 2, "hwq: error: out of memory\n"),
        (KeyboardInterrupt(), 130, "hwq: interrupted\n"),
        (
            ModuleNotFoundError("No module named 'numba'", name="numba"),
            2,
            "hwq: error: the Python package numba is missing or damaged (No module named 'numba'): pip install numba\n",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_exceptions_become_messages(
    capsys: Capture, fake_verb: Callable[[BaseException], None], error: BaseException, code: int, message: str
) -> None:
    fake_verb(error)
    assert refused(capsys, "schema", code=code) == message


def test_a_bug_is_neither_a_mismatch_nor_bad_input(capsys: Capture, fake_verb: Callable[[BaseException], None]) -> None:
    for error in (ZeroDivisionError("oops"), ModuleNotFoundError("hwq.nothing", name="hwq.nothing")):
        fake_verb(error)
        result = run_cli(capsys, "schema")
        assert result.code == 70
        assert "Traceback" in result.err
        assert "this is a bug in hwq" in result.err


def test_a_verb_chooses_its_exit_code(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> int:
        """Return."""
        return 1

    monkeypatch.setattr(importlib, "import_module", lambda name: types.SimpleNamespace(command=command))
    assert run_cli(capsys, "schema").code == 1


def test_help_is_quick_and_imports_no_verb() -> None:
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        process = start("--help")
        out, _err = process.communicate()
        seconds.append(time.perf_counter() - begin)
        assert process.returncode == 0
        assert "inspect" in out
    # Half a second on a machine that does nothing else; the tests' machine may.
    assert min(seconds) < 1.0
    code = "import sys; from hwq.cli.app import main; main(['--help']); print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "typer" in modules
    assert not {"numpy", "yaml", "numba", "amaranth", "hwq.cli.run"} & set(modules)


@pytest.mark.parametrize("verb", ["schema", "doctor"])
def test_a_closed_pipe_is_quiet(verb: str) -> None:
    with start(verb) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(("arguments", "code"), [("schema", 0), ("inspect nothing.tflite", 2), ("--help", 0)])
def test_streams_that_were_never_open(arguments: str, code: int, closed: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m hwq {arguments} {closed}', sys.executable],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert (done.stdout == "") == (closed != "2>&-" or code == 2)


def test_messages_on_a_terminal_break_between_words(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    whole = refused(capsys, "inspect", "a model that is not there.tflite")
    assert len(whole) > 40
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    broken = refused(capsys, "inspect", "a model that is not there.tflite")
    assert max(map(len, broken.splitlines())) <= 40
    assert broken.split() == whole.split()


def test_out_of_memory_names_the_option_to_lower(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(arguments: list[str]) -> int:
        raise MemoryError

    monkeypatch.setattr(app, "_execute", too_much)
    for arguments in (["verify", "p.yaml", "--samples", "9000"], ["run", "p.yaml", "--samples=9000"]):
        assert refused(capsys, *arguments) == "hwq: error: out of memory: lower --samples\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_told() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hwq", "schema"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "hwq: error: No space left on device\n"


def test_a_terminal_without_the_characters() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hwq", "inspect", "no→file.tflite"],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no\\u2192file.tflite: no such file" in done.stderr
