"""Constants as C++ initializers: wrapped lines of numbers, one row of an array after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from hwq.hls.source import Constant

_WIDTH = 110


def array(kind: str, name: str, values: NDArray[np.integer], comment: str) -> Constant:
    """An array of numbers of the shape of ``values``."""
    sizes = "".join(f"[{size}]" for size in values.shape)
    return Constant(f"{kind} {name}{sizes}", comment, list(_rows(values)))


def records(fields: Mapping[str, NDArray[np.int64]]) -> Constant:
    """The record of each channel, from the fields that `hwq.numeric.requantization` gives it."""
    entries = [
        dict(zip(fields, values, strict=True)) for values in zip(*(f.tolist() for f in fields.values()), strict=True)
    ]
    kind, shown, text = _RECORDS[frozenset(fields)]
    lines = [text(entry) + "," for entry in entries]
    return Constant(f"hwq::{kind} records[{len(lines)}]", f"Of each output channel: {shown}.", lines)


def _factor(r: Mapping[str, int]) -> str:
    return f"{{{r['multiplier']}u, {r['shift']}}}"


_RECORDS: Mapping[frozenset[str], tuple[str, str, Callable[[Mapping[str, int]], str]]] = {
    frozenset(("bias", "multiplier", "shift")): (
        "record",
        "bias, {multiplier, shift}",
        lambda r: f"{{{_integer(r['bias'])}, {_factor(r)}}}",
    ),
    frozenset(("bias", "multiplier", "shift", "away")): (
        "up_record",
        "bias, {multiplier, shift}, away",
        lambda r: f"{{{_integer(r['bias'])}, {_factor(r)}, {r['away']}}}",
    ),
    frozenset(("add", "multiplier", "right")): (
        "plain_record",
        "add, multiplier, right",
        lambda r: f"{{{r['add']}LL, {r['multiplier']}u, {r['right']}}}",
    ),
    frozenset(("bias", "shift")): (
        "shift_record",
        "bias, shift",
        lambda r: f"{{{_integer(r['bias'])}, {r['shift']}}}",
    ),
}


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
