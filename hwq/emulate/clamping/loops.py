"""Compiled loops around the tiles of `rows` and `finish`."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from hwq.emulate.clamping.finish import finish_block
from hwq.emulate.clamping.rows import sum_rows, widen_bytes
from hwq.emulate.vectors import copy_bytes
from hwq.numeric.compiling import compiled

Array = NDArray[Any]
Tag = tuple[int, ...]


@compiled
def sum_steps(
    x: Array,
    image: Array,
    corner: tuple[int, int, int],
    zero: int,
    steps: int,
    samples: int,
    area: int,
    first: int,
    pixels: Array,
    taps: Array,
    ends: Array,
    weights: Array,
    folds: Array,
    initial: Array,
    limits: Array,
    sums: Array,
    events: Array,
    rows: Tag,
    vectors: Tag,
    form: Tag,
    operands: Tag,
    counting: Tag,
) -> None:
    """Sums int32 [steps * pixels, stride] of ``steps`` steps of ``samples`` samples each.

    Parameters
    ----------
    x:
        uint8 [N, height, width * channels].
    image, area:
        Where the operands of a step go: padded images, ``area`` elements each, and what the last tile is filled up
        with.
    corner:
        Row and element of a row where a sample begins in its image, and elements from row to row.
    zero:
        What operands are less than bytes.
    first:
        Bytes from one operand to its neighbor's, if every block of channels has operands of its own; else 0.
    pixels, taps:
        Byte offsets int64.
    events:
        int64 [2, stride].
    """
    stride, width = initial.size, 16 * len(vectors)
    weight_bytes = weights.size * weights.itemsize // stride
    for step in range(steps):
        for sample in range(samples):
            row = x[step * samples + sample]
            for y in range(row.shape[0]):
                at = sample * area + (corner[0] + y) * corner[2] + corner[1]
                source, target = row[y].ctypes.data, image.ctypes.data + image.itemsize * at
                if image.itemsize == 1:
                    copy_bytes(target, source, row.shape[1])
                else:
                    widen_bytes(target, source, row.shape[1], zero)
        for block in range(0, stride, width):
            for p in range(0, pixels.size, len(rows)):
                sum_rows(
                    image.ctypes.data + block * first,
                    pixels.ctypes.data + 8 * p,
                    taps.ctypes.data,
                    ends.ctypes.data,
                    ends.size,
                    weights.ctypes.data + weight_bytes * block,
                    folds.ctypes.data + 4 * block,
                    initial.ctypes.data + initial.itemsize * block,
                    limits.ctypes.data,
                    sums.ctypes.data + 4 * ((step * pixels.size + p) * stride + block),
                    4 * stride,
                    events.ctypes.data + 8 * block,
                    stride,
                    rows,
                    vectors,
                    form,
                    operands,
                    counting,
                )


@compiled
def finish_steps(
    sums: Array,
    steps: int,
    pitch: int,
    integers: Array,
    roundings: Array,
    factors: Array,
    valid: int,
    bounds: Array,
    clamp: Array,
    out: Array,
    target_step: int,
    targets: Array,
    adjacent: Array,
    places: Array,
    events: Array,
    contract: Tag,
    counting: Tag,
) -> None:
    """Codes of the sums of `sum_steps`, ``pitch`` pixels from step to step; see `finish.finish_block`."""
    stride = integers.shape[1]
    for step in range(steps):
        for first in range(0, stride, 16):
            finish_block(
                sums.ctypes.data + 4 * (step * pitch * stride + first),
                4 * stride,
                integers.ctypes.data + 4 * first,
                roundings.ctypes.data + 8 * first,
                factors.ctypes.data + 8 * first,
                stride,
                valid - first,
                bounds.ctypes.data,
                clamp.ctypes.data,
                out.ctypes.data + step * target_step,
                targets.ctypes.data,
                targets.size,
                adjacent[first // 16],
                places.ctypes.data + 8 * first,
                events.ctypes.data + 8 * first,
                contract,
                counting,
            )
