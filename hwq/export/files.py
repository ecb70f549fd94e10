"""A directory of generated files: text in, files and their hashes out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from hwq.errors import DataError


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
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise DataError(f"cannot write {path}: {error.strerror or error}") from None
        self.hashes[name] = hashlib.sha256(text.encode()).hexdigest()
        return name


def hex_words(words: Iterable[int], bits: int) -> str:
    """Words as ``$readmemh`` reads them, one a line, lowest address first."""
    digits = -(-bits // 4)
    return "".join(f"{word:0{digits}x}\n" for word in words)
