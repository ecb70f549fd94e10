"""Compiled kernels: the loops around `hwq.emulate.vectors`, and what else is worth compiling.

Activations are unsigned bytes, one sample after the other, with `hwq.emulate.memory.SLACK` readable bytes behind the
last one. A kernel takes samples in steps: as many as its tables of offsets cover. ``pixels`` and ``targets`` hold the
byte offset of each output pixel's first input and of its first output within a step, for a whole number of tiles: the
last pixel is repeated, and computing it again changes nothing.

The arguments from ``integers`` to ``bounds`` and the tags at the end are those of `vectors`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.emulate.vectors import copy_bytes, depthwise_rows, dot_rows, finish_rows
from hwq.numeric.compiling import compiled

Array = NDArray[Any]
Tag = tuple[int, ...]


@compiled
def dot_pixels(
    x: Array,
    frame: Array,
    corner: tuple[int, int],
    steps: int,
    source_step: int,
    pixels: Array,
    groups: Array,
    weights: Array,
    integers: Array,
    roundings: Array,
    factors: Array,
    valid: int,
    bounds: Array,
    out: Array,
    target_step: int,
    targets: Array,
    rows: Tag,
    vectors: Tag,
    contract: Tag,
) -> None:
    """Convolution or dense layer; ``weights`` int8 [blocks, groups, channels of a block, 4].

    Parameters
    ----------
    x:
        uint8 [N, height, width * channels].
    frame, corner:
        The padded image uint8 [height, width * channels] and where in it the sample goes; empty without padding.
    """
    stride, width = integers.shape[1], 16 * len(vectors)
    for step in range(steps):
        source = x.ctypes.data + step * source_step
        if frame.size:
            _fill(frame, corner, x[step])
            source = frame.ctypes.data
        target = out.ctypes.data + step * target_step
        for first in range(0, stride, width):
            for p in range(0, pixels.size, len(rows)):
                dot_rows(
                    source,
                    pixels.ctypes.data + 8 * p,
                    groups.ctypes.data,
                    groups.size,
                    weights.ctypes.data + 4 * first * groups.size,
                    integers.ctypes.data + 4 * first,
                    roundings.ctypes.data + 8 * first,
                    factors.ctypes.data + 8 * first,
                    stride,
                    valid - first,
                    bounds.ctypes.data,
                    target + first,
                    targets.ctypes.data + 8 * p,
                    rows,
                    vectors,
                    contract,
                )


@compiled
def depthwise_pixels(
    x: Array,
    frame: Array,
    corner: tuple[int, int],
    steps: int,
    source_step: int,
    pixels: Array,
    taps: Array,
    weights: Array,
    integers: Array,
    roundings: Array,
    factors: Array,
    valid: int,
    bounds: Array,
    out: Array,
    target_step: int,
    targets: Array,
    rows: Tag,
    contract: Tag,
) -> None:
    """Depthwise convolution with as many outputs as inputs; ``weights`` int32 [taps, stride]."""
    stride = integers.shape[1]
    for step in range(steps):
        source = x.ctypes.data + step * source_step
        if frame.size:
            _fill(frame, corner, x[step])
            source = frame.ctypes.data
        target = out.ctypes.data + step * target_step
        for first in range(0, stride, 16):
            for p in range(0, pixels.size, len(rows)):
                depthwise_rows(
                    source + first,
                    pixels.ctypes.data + 8 * p,
                    taps.ctypes.data,
                    taps.size,
                    weights.ctypes.data + 4 * first,
                    4 * stride,
                    integers.ctypes.data + 4 * first,
                    roundings.ctypes.data + 8 * first,
                    factors.ctypes.data + 8 * first,
                    stride,
                    valid - first,
                    bounds.ctypes.data,
                    target + first,
                    targets.ctypes.data + 8 * p,
                    rows,
                    contract,
                )


@compiled
def _fill(frame: Array, corner: tuple[int, int], image: Array) -> None:
    height, width = image.shape
    for y in range(height):
        target = frame.ctypes.data + (corner[0] + y) * frame.shape[1] + corner[1]
        copy_bytes(target, image.ctypes.data + y * width, width)


@compiled
def gather_columns(
    x: Array, frame: Array, corner: tuple[int, int], steps: int, source_step: int, pixels: Array, runs: Array, run: int,
    out: Array,
) -> None:  # fmt: skip
    """Operands of each output pixel as a row of floats, signed codes: ``out`` [steps * pixels, runs * run]."""
    for step in range(steps):
        source = x.reshape(-1)[step * source_step :]
        if frame.size:
            _fill(frame, corner, x[step])
            source = frame.reshape(-1)
        for p in range(pixels.size):
            row = out[step * pixels.size + p]
            for r in range(runs.size):
                start = pixels[p] + runs[r]
                for k in range(run):
                    row[r * run + k] = np.int32(source[start + k]) - np.int32(128)


@compiled
def finish_pixels(
    sums: Array,
    steps: int,
    kind: float,
    integers: Array,
    roundings: Array,
    factors: Array,
    valid: int,
    bounds: Array,
    out: Array,
    target_step: int,
    targets: Array,
    rows: Tag,
    contract: Tag,
) -> None:
    """Requantize finished sums, floats [steps * pixels, stride] of the type of ``kind``."""
    stride = integers.shape[1]
    pitch = stride * sums.itemsize
    for step in range(steps):
        source = sums.ctypes.data + step * targets.size * pitch
        for p in range(0, targets.size, len(rows)):
            for first in range(0, stride, 16):
                finish_rows(
                    source + p * pitch + first * sums.itemsize,
                    pitch,
                    kind,
                    integers.ctypes.data + 4 * first,
                    roundings.ctypes.data + 8 * first,
                    factors.ctypes.data + 8 * first,
                    stride,
                    valid - first,
                    bounds.ctypes.data,
                    out.ctypes.data + step * target_step + first,
                    targets.ctypes.data + 8 * p,
                    rows,
                    contract,
                )


@compiled
def add_by_table(a: Array, b: Array, table: Array, out: Array) -> None:
    """``out[i] = table[256 * a[i] + b[i]]``, all flat uint8."""
    for i in range(out.size):
        out[i] = table[(np.intp(a[i]) << 8) | np.intp(b[i])]


@compiled
def add_by_line(a: Array, b: Array, line: tuple[float, float, float], low: float, high: float, out: Array) -> None:
    """``out[i] = floor(line[0] * a[i] + line[1] * b[i] + line[2])`` within [low, high], all flat uint8."""
    for i in range(out.size):
        value = line[0] * np.float64(a[i]) + line[1] * np.float64(b[i]) + line[2]
        out[i] = np.int32(min(max(value, low), high))


@compiled
def pool(x: Array, rows: Array, columns: Array, average: bool, low: int, high: int, out: Array) -> None:
    """Average of the codes in each window, halves away from zero, or their maximum; then clamped.

    Parameters
    ----------
    x:
        uint8 [N, height, width, channels].
    rows, columns:
        First and one past the last row, and column, of each output row and column that are not padding, int64 [n, 2].
    low, high:
        Lowest and highest output code.
    out:
        uint8 [N, rows, columns, channels].
    """
    values = np.empty(x.shape[3], np.int32)
    for n in range(x.shape[0]):
        for i in range(rows.shape[0]):
            for j in range(columns.shape[0]):
                count = np.int32((rows[i, 1] - rows[i, 0]) * (columns[j, 1] - columns[j, 0]))
                values[:] = -128 * count if average else 0
                for y in range(rows[i, 0], rows[i, 1]):
                    for z in range(columns[j, 0], columns[j, 1]):
                        if average:
                            for c in range(values.size):
                                values[c] += x[n, y, z, c]
                        else:
                            for c in range(values.size):
                                values[c] = max(values[c], np.int32(x[n, y, z, c]))
                for c in range(values.size):
                    value = np.int32(values[c])
                    if average:
                        half = count // 2
                        value = (value + half) // count if value > 0 else -((half - value) // count)
                    else:
                        value -= 128
                    out[n, i, j, c] = 128 + (low if value < low else high if value > high else value)
