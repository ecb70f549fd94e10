"""Generated files: written with an error that names the file, and hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hwq.errors import DataError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name ``path`` where the block cannot write it: a disk that is full does not say in which file.

    Raises
    ------
    DataError
        In place of an OSError of the block.
    """
    try:
        yield
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from None


class OutputDirectory:
    """Writes files below ``root`` and remembers the SHA-256 of each, by its path relative to ``root``.

    Raises
    ------
    DataError
        When the directory or a file cannot be written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.hashes: dict[str, str] = {}

    def write(self, name: str, text: str) -> str:
        """Write ``text`` to ``name``; returns ``name``."""
        path = self.root / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        self.hashes[name] = hashlib.sha256(text.encode()).hexdigest()
        return name


def hex_words(words: Iterable[int], bits: int) -> str:
    """Words as ``$readmemh`` reads them, one a line, lowest address first."""
    digits = -(-bits // 4)
    return "".join(f"{word:0{digits}x}\n" for word in words)
