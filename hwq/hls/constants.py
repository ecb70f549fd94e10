"""Constants as C++ initializers: wrapped lines of numbers, one row of an array after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from hwq.hls.source import Constant

_WIDTH = 110


def array(kind: str, name: str, values: NDArray[np.integer], comment: str) -> Constant:
    """An array of numbers of the shape of ``values``."""
    sizes = "".join(f"[{size}]" for size in values.shape)
    return Constant(f"{kind} {name}{sizes}", comment, list(_rows(values)))


def records(bias: Sequence[int], multiplier: Sequence[int], shift: Sequence[int]) -> Constant:
    """Bias and scale of each channel."""
    entries = zip(bias, multiplier, shift, strict=True)
    lines = [f"{{{_integer(b)}, {{{m}u, {s}}}}}," for b, m, s in entries]
    return Constant(f"hwq::record records[{len(lines)}]", "Of each output channel: bias, {multiplier, shift}.", lines)


def factor(name: str, scale: tuple[int, int], comment: str) -> Constant:
    """A real factor."""
    return Constant(f"hwq::factor {name}", comment, [f"{scale[0]}u, {scale[1]}"])


def _rows(values: NDArray[np.integer]) -> Iterable[str]:
    if values.ndim == 1:
        yield from wrapped(map(_integer, values.tolist()))
        return
    for row in values:
        lines = list(_rows(row))
        if len(lines) == 1 and values.ndim == 2:
            yield f"{{{lines[0].rstrip(',')}}},"
            continue
        yield "{"
        yield from lines
        yield "},"


def _integer(value: int) -> str:
    """A number as C++ reads it: the lowest of 32 bits is not one literal."""
    return "-2147483647 - 1" if value == -(1 << 31) else str(value)


def wrapped(words: Iterable[str]) -> Iterable[str]:
    """``words`` with commas behind them, in lines."""
    line = ""
    for word in words:
        if line and len(line) + len(word) + 2 > _WIDTH:
            yield line
            line = ""
        line += f"{' ' if line else ''}{word},"
    if line:
        yield line
