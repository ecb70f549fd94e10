"""Build cache: directories named after the content they were made from, the least recently used removed first."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from hwq.errors import ToolError
from hwq.toolchain.scratch import clear_stale, scratch_folder

KINDS = ("simulators", "verilated", "netlists", "placements")
"""What is cached: built simulators, the part of them that is the same for every design, designs in the cells of an
FPGA, and what placing and routing them gave."""

DEFAULT_LIMIT = 2 << 30
"""Bytes that the cache holds where ``HWQ_CACHE_LIMIT`` does not say."""

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SCRATCH, _PREFIX = "scratch", "build-"

#: Entries used within so many seconds stay whatever the limit is: somebody may be about to start one.
_RECENT_SECONDS = 60.0


@dataclass(frozen=True)
class Entry:
    """A cached directory: its kind, bytes, and when it was last used, in seconds since the epoch."""

    path: Path
    kind: str
    size: int
    used: float


def cache_root() -> Path:
    """``$HWQ_CACHE``, else ``hwq`` in the user's cache directory; absolute.

    Raises
    ------
    ToolError
        When there is no such home directory.
    """
    chosen = os.environ.get("HWQ_CACHE")
    try:
        if chosen:
            return Path(chosen).expanduser().absolute()
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "hwq"
    except RuntimeError:
        raise ToolError(f"the build cache {chosen or '~/.cache'} has no home directory: set HWQ_CACHE") from None


def cache_limit() -> int:
    """Bytes that the cache may hold: ``$HWQ_CACHE_LIMIT``, a number that K, M, G or T may follow.

    Raises
    ------
    ToolError
        When it cannot be read.
    """
    text = os.environ.get("HWQ_CACHE_LIMIT", "").strip()
    if not text:
        return DEFAULT_LIMIT
    said = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?", text, flags=re.IGNORECASE | re.ASCII)
    if said is None:
        raise ToolError(f"HWQ_CACHE_LIMIT is no size: {text!r}; valid are sizes like 500M or 2G")
    return int(float(said[1]) * _UNITS[said[2].upper()])


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
    or is interrupted leaves nothing behind, and two at the same time do not meet. After a build the entries that were
    not used for longest are removed until the cache is within its limit.

    Returns
    -------
    The directory, and whether it was there already.

    Raises
    ------
    ToolError
        When the cache cannot be written, or from ``build``.
    """
    limit = cache_limit()
    root = cache_root()
    final, scratch = root / kind / key, root / _SCRATCH
    try:
        # Its time says when it was last used.
        os.utime(final)
        return final, True
    except OSError:
        if final.is_dir():
            # Somebody else's, to be read only.
            return final, True
    try:
        for directory in (final.parent, scratch):
            directory.mkdir(parents=True, exist_ok=True)
        with scratch_folder(_PREFIX, scratch) as folder:
            fresh = folder / "entry"
            fresh.mkdir()
            build(fresh)
            try:
                fresh.rename(final)
            except OSError:
                # Someone else was faster with the same content.
                if not final.is_dir():
                    raise
    except OSError as error:
        raise ToolError(f"cannot write the build cache {root}: {error.strerror or error}; set HWQ_CACHE") from None
    _prune(limit)
    return final, False


def cache_entries() -> list[Entry]:
    """Every entry of the cache, the least recently used first."""
    found = []
    for kind in KINDS:
        try:
            directories = [path for path in (cache_root() / kind).iterdir() if path.is_dir()]
        except OSError:
            continue
        for path in directories:
            try:
                size = sum(file.lstat().st_size for file in path.rglob("*"))
                found.append(Entry(path, kind, size, path.stat().st_mtime))
            except OSError:
                # Someone else removed it meanwhile.
                continue
    return sorted(found, key=lambda entry: entry.used)


def clear_cache() -> list[Entry]:
    """Remove every entry, and what killed builds left; the value is the entries that were removed."""
    removed = [entry for entry in cache_entries() if _remove(entry)]
    clear_stale(_PREFIX, cache_root() / _SCRATCH)
    return removed


def _prune(limit: int) -> None:
    entries = cache_entries()
    size = sum(entry.size for entry in entries)
    for entry in entries:
        if size <= limit or time.time() - entry.used < _RECENT_SECONDS:
            return
        if _remove(entry):
            size -= entry.size


def _remove(entry: Entry) -> bool:
    """Take an entry out of the cache in one step, then delete it; whether that was possible."""
    scratch = cache_root() / _SCRATCH
    try:
        scratch.mkdir(exist_ok=True)
        with scratch_folder(_PREFIX, scratch) as folder:
            entry.path.rename(folder / "entry")
    except OSError:
        return False
    return True
