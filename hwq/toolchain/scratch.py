"""Scratch folders: gone when their work is done, and cleared by a later run where their owner was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: A file in every scratch folder, locked by its owner. The system drops the lock when the owner dies, however it does.
_MARK = ".hwq-scratch"


@contextmanager
def scratch_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new folder, removed at the end; scratch folders beside it whose owners were killed are removed first.

    Parameters
    ----------
    prefix:
        What its name begins with.
    parent:
        Where it is made; the system's temporary folder without it.

    Raises
    ------
    OSError
        When it cannot be made.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    clear_stale(prefix, parent)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    mark = None
    try:
        # It takes its name once it is locked: what bears the name and is not locked has no owner.
        unnamed = folder / f"{_MARK}.new"
        mark = os.open(unnamed, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(mark, fcntl.LOCK_EX)
        unnamed.rename(folder / _MARK)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if mark is not None:
            os.close(mark)


def clear_stale(prefix: str, parent: Path) -> None:
    """Remove the scratch folders in ``parent`` that nobody owns any more; other folders are left alone."""
    for folder in parent.glob(f"{prefix}*"):
        if not _owned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _owned(folder: Path) -> bool:
    """Whether ``folder`` is a living owner's, or no scratch folder of this user."""
    if folder.is_symlink():
        return True
    try:
        mark = os.open(folder / _MARK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return True
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(mark).st_uid != os.getuid()
    except OSError:
        return True
    finally:
        os.close(mark)
