"""``hwq cache``: what the build cache holds, and emptying it."""

from __future__ import annotations

from typing import Annotated

import typer

from hwq.cli import console
from hwq.errors import ToolError
from hwq.toolchain.cache import KINDS, cache_entries, cache_limit, cache_root, clear_cache


def command(
    clear: Annotated[bool, typer.Option("--clear", help="Remove every entry.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Show what the cache of built simulators and syntheses holds, or empty it.

    It lies where HWQ_CACHE says. Beyond HWQ_CACHE_LIMIT, 2 GiB by default, the least recently used entries go.
    """
    root, limit = cache_root(), cache_limit()
    removed = clear_cache() if clear else []
    left = cache_entries()
    size = sum(entry.size for entry in left)
    if as_json:
        kinds = {kind: sum(entry.kind == kind for entry in left) for kind in KINDS}
        console.print_json(
            {
                "path": str(root),
                "entries": len(left),
                "kinds": kinds,
                "bytes": size,
                "limit_bytes": limit,
                "removed_entries": len(removed),
                "removed_bytes": sum(entry.size for entry in removed),
            }
        )
    else:
        out = console.output()
        out.print(f"Path     {root}", soft_wrap=True)
        out.print(f"Entries  {len(left):,}")
        out.print(f"Size     {_mebibytes(size)} of {_mebibytes(limit)}")
        if clear:
            out.print(f"Removed  {len(removed):,} entries, {_mebibytes(sum(entry.size for entry in removed))}")
    if clear and left:
        raise ToolError(f"{left[0].path} and {len(left) - 1:,} more entries cannot be removed: are they yours?")


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MiB"
