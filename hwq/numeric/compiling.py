"""Compilation of kernels by numba, kept between runs only as long as the code is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

#: Folders of the package whose modules kernels are compiled from.
_FOLDERS = ("emulate", "numeric")

Function = TypeVar("Function", bound=Callable[..., Any])


@cache
def _digest() -> str:
    """Of every module that kernels are made of: they are made of several, and numba only looks at the age of one."""
    content = hashlib.sha256()
    package = Path(__file__).parents[1]
    for path in sorted(path for folder in _FOLDERS for path in (package / folder).rglob("*.py")):
        content.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()


def compiled(function: Function) -> Function:
    """Compile ``function`` at its first call with each kind of arguments; reuse what an earlier run compiled.

    Compiled code is stored where numba stores it: beside the source, or in the user's cache folder. Where neither can
    be written, or numba has changed so that its store cannot be bound to the code's content, every run compiles anew.
    """
    try:
        dispatcher = njit(cache=True, nogil=True)(function)
        store = dispatcher._cache._cache_file
        if not hasattr(store, "_source_stamp"):
            raise AttributeError("_source_stamp")
    except (RuntimeError, AttributeError):
        return cast(Function, njit(nogil=True)(function))
    store._source_stamp = _digest()
    return cast(Function, dispatcher)
