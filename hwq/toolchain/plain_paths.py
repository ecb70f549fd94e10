"""Paths that make, the shell and cocotb's settings can read, whatever the real ones are called."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hwq.errors import ToolError
from hwq.toolchain.scratch import scratch_folder

_PLAIN = re.compile(r"[\w./+@-]+")

#: Prefix of the folders that builds and simulations use; a run that finds one without owner removes it.
_PREFIX = "hwq-build-"


def is_plain(path: Path | str) -> bool:
    """Whether ``path`` means nothing special to any program that reads it."""
    return _PLAIN.fullmatch(str(path)) is not None


class PlainFolder:
    """A scratch folder with a plain path, and in it plain names for paths elsewhere."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._links: dict[Path, Path] = {}

    def named(self, path: Path | str) -> Path:
        """A plain path of ``path``: itself where it is one, else a link to it that lasts as long as the folder."""
        path = Path(path)
        if is_plain(path):
            return path
        if path not in self._links:
            # Programs tell by its suffix what a file is.
            suffix = path.suffix if is_plain(path.suffix) else ""
            link = self.path / f"link{len(self._links)}{suffix}"
            link.symlink_to(path)
            self._links[path] = link
        return self._links[path]


@contextmanager
def plain_folder() -> Iterator[PlainFolder]:
    """A scratch folder with a plain path, removed at the end.

    Raises
    ------
    ToolError
        When no temporary folder has a plain path, or it cannot be written.
    """
    parent = plain_parent()
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(scratch_folder(_PREFIX, parent))
        except OSError as error:
            raise ToolError(f"cannot write the temporary folder {parent}: {error.strerror}; set TMPDIR") from None
        yield PlainFolder(folder)


def plain_parent() -> Path:
    """The temporary folder where simulators are built: the system's, or ``/tmp`` where its path is not plain.

    Raises
    ------
    ToolError
        When there is none.
    """
    first = Path(tempfile.gettempdir()).absolute()
    for parent in (first, Path("/tmp"), Path("/var/tmp")):
        if is_plain(parent) and parent.is_dir():
            return parent
    wrong = next(character for character in str(first) if not is_plain(character))
    raise ToolError(f"the temporary folder {first} has {wrong!r} in its path, which make cannot read: set TMPDIR")
