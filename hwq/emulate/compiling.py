"""Compilation of kernels by numba, kept between runs only as long as the code is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


@cache
def _digest() -> str:
    """Of every module beside this one: kernels are made of several, and numba itself only looks at the age of one."""
    content = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        content.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
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
