"""Where ``hwq run`` writes arrays: through links, and to pipes, which stay what they are."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from hwq.emulate import Emulator
from tests.cli.support import refused, run_cli, small_model, small_samples
from tests.graph.networks import network_of_every_layer

Capture = pytest.CaptureFixture[str]

X = small_samples(5)


@pytest.fixture
def command(tmp_path: Path) -> tuple[object, ...]:
    np.savez(tmp_path / "x.npz", x=X)
    return "run", small_model(tmp_path), "--data", tmp_path / "x.npz"


@contextmanager
def pipe(path: Path) -> Iterator[io.BytesIO]:
    """A named pipe, and, once the block is left, everything that came out of it."""
    os.mkfifo(path)
    read = io.BytesIO()
    # A reader that never blocks the test: the pipe is open before anybody writes.
    end = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(end, True)

    def drain() -> None:
        with os.fdopen(end, "rb") as stream:
            read.write(stream.read())

    keep = os.open(path, os.O_WRONLY)
    reader = threading.Thread(target=drain)
    reader.start()
    try:
        yield read
    finally:
        os.close(keep)
        reader.join()
        read.seek(0)


def outputs() -> np.ndarray:
    return Emulator(network_of_every_layer()).run(X)


def test_a_pipe_gets_the_whole_file(capsys: Capture, tmp_path: Path, command: tuple[object, ...]) -> None:
    before = {*tmp_path.iterdir()}
    out = tmp_path / "pipe.npz"
    with pipe(out) as read:
        assert run_cli(capsys, *command, "--save", out).code == 0
    assert out.is_fifo()
    np.testing.assert_array_equal(np.load(read)["y"], outputs())
    assert {*tmp_path.iterdir()} == before | {out}


def test_a_layer_goes_to_a_pipe_too(capsys: Capture, tmp_path: Path, command: tuple[object, ...]) -> None:
    last = network_of_every_layer().layers[-1].name
    out = tmp_path / "layers" / f"{last}.npy"
    out.parent.mkdir()
    with pipe(out) as read:
        assert run_cli(capsys, *command, "--dump", out.parent).code == 0
    assert out.is_fifo()
    np.testing.assert_array_equal(np.load(read), outputs())


@pytest.mark.parametrize("there", [True, False], ids=["there", "dangling"])
def test_a_link_is_written_through(capsys: Capture, tmp_path: Path, command: tuple[object, ...], there: bool) -> None:
    target = tmp_path / "elsewhere" / "real.npz"
    target.parent.mkdir()
    if there:
        target.write_bytes(b"before")
    link = tmp_path / "link.npz"
    link.symlink_to(target)
    assert run_cli(capsys, *command, "--save", link).code == 0
    assert link.is_symlink()
    np.testing.assert_array_equal(np.load(target)["y"], outputs())
    assert [*target.parent.iterdir()] == [target]


def test_links_that_lead_nowhere(capsys: Capture, tmp_path: Path, command: tuple[object, ...]) -> None:
    loop = tmp_path / "loop.npz"
    loop.symlink_to(loop)
    assert refused(capsys, *command, "--save", loop) == f"hwq: error: {loop}: a link that leads back to itself\n"
    lost = tmp_path / "lost.npz"
    lost.symlink_to(tmp_path / "no" / "out.npz")
    assert refused(capsys, *command, "--save", lost) == f"hwq: error: {lost}: no such folder: {tmp_path / 'no'}\n"
    assert loop.is_symlink()
    assert lost.is_symlink()
