"""Scratch folders end with their owner: at once where it ends in good order, at the next run where it was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hwq.toolchain.scratch import clear_stale, scratch_folder

_ROOT = Path(__file__).parents[2]


def test_it_is_removed_whatever_happens(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch_folder("work-", tmp_path) as folder:
        (folder / "file").write_text("x")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_of_several_owners_only_the_killed_one_loses_it(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time; from hwq.toolchain.scratch import scratch_folder\n"
        "with scratch_folder('work-', pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'file').write_text('x'); print(folder, flush=True); time.sleep(100)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        theirs = Path(owner.stdout.readline().strip())
        try:
            with scratch_folder("work-", tmp_path):
                assert theirs.is_dir()
        finally:
            owner.send_signal(signal.SIGKILL)
    assert (theirs / "file").exists()
    with scratch_folder("other-", tmp_path):
        assert theirs.is_dir()
    with scratch_folder("work-", tmp_path) as mine:
        assert list(tmp_path.iterdir()) == [mine]


def test_folders_that_are_nobodys_scratch_stay(tmp_path: Path) -> None:
    kept = tmp_path / "work-results"
    kept.mkdir()
    (tmp_path / "work-link").symlink_to(kept)
    (tmp_path / "work-file").write_text("x")
    clear_stale("work-", tmp_path)
    assert len(os.listdir(tmp_path)) == 3
