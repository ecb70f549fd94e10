"""Build cache: directories named after the content they were made from."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from hwq.errors import ToolError


def cache_root() -> Path:
    """``$HWQ_CACHE``, else ``hwq`` in the user's cache directory."""
    chosen = os.environ.get("HWQ_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hwq"


def content_key(parts: Iterable[str]) -> str:
    """A key that changes with any of ``parts``, and with where one ends and the next begins."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(f"{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()[:32]


def cached_build(kind: str, key: str, build: Callable[[Path], None]) -> tuple[Path, bool]:
    """The directory of ``kind`` and ``key``, built where it does not exist yet.

    ``build`` fills a fresh directory, which takes its final name in one step once it is complete: a build that fails
    or is interrupted leaves nothing behind, and two at the same time do not meet.

    Returns
    -------
    The directory, and whether it was there already.

    Raises
    ------
    ToolError
        When the cache cannot be written, or from ``build``.
    """
    final = cache_root() / kind / key
    if final.is_dir():
        return final, True
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=final.parent))
    except OSError as error:
        raise ToolError(f"cannot write the build cache {final.parent}: {error.strerror}; set HWQ_CACHE") from None
    try:
        build(fresh)
        try:
            fresh.rename(final)
        except OSError:
            # Someone else was faster with the same content.
            if not final.is_dir():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return final, False
