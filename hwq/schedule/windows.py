"""Pooling, means, paddings and joins in one form: windows over an image that is contiguous in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Pool2D

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Windows:
    """Windows over an image, and where their results go; (height, width) pairs throughout.

    ``size`` and ``channels`` are the image's; ``start`` is the position of the first window, negative in padding.
    Output pixels are ``out_step`` elements apart, from element ``out_first`` of the output on.
    """

    size: tuple[int, int]
    channels: int
    outputs: tuple[int, int]
    out_step: int
    out_first: int = 0
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    start: tuple[int, int] = (0, 0)

    @property
    def positions(self) -> int:
        """Positions of a window, those in padding included."""
        return self.kernel[0] * self.kernel[1]

    @property
    def pixels(self) -> int:
        """Output pixels."""
        return self.outputs[0] * self.outputs[1]

    def inside(self, axis: int) -> NDArray[np.int64]:
        """Rows (axis 0) or columns (axis 1) that are not padding, of the windows of each output row or column."""
        first = self.start[axis] + self.stride[axis] * np.arange(self.outputs[axis], dtype=np.int64)
        begin, end = np.clip([first, first + self.kernel[axis]], 0, self.size[axis])
        return np.asarray(end - begin)


def pool_windows(layer: Pool2D, shape: Shape, output: Shape) -> Windows:
    """Of a pooling over an image of ``shape``."""
    return Windows(
        size=(shape[0], shape[1]),
        channels=shape[2],
        outputs=(output[0], output[1]),
        out_step=shape[2],
        kernel=layer.kernel,
        stride=layer.stride,
        start=(-layer.padding[0], -layer.padding[2]),
    )


def mean_windows(shape: Shape, axes: Sequence[int]) -> Windows | None:
    """Of a mean over ``axes``, each window a row of an image; ``None`` where others lie between the axes."""
    chosen = sorted(axis for axis in axes if shape[axis] > 1) or [axes[0]]
    first, last = chosen[0], chosen[-1]
    if any(shape[axis] > 1 and axis not in chosen for axis in range(first, last)):
        return None
    rows, count, inner = (math.prod(part) for part in (shape[:first], shape[first : last + 1], shape[last + 1 :]))
    return Windows((rows, count), inner, (rows, 1), inner, kernel=(1, count))


def pad_windows(shape: Shape, amounts: Sequence[tuple[int, int]]) -> Windows | None:
    """Of a padding, windows of one position; ``None`` where the padded axes are not rows and columns of one image."""
    padded = [axis for axis, pair in enumerate(amounts) if any(pair)]
    if not padded:
        return copy_windows(math.prod(shape))
    below, inner = padded[-1], math.prod(shape[padded[-1] + 1 :])
    if len(padded) == 1:
        rows, vertical = math.prod(shape[:below]), (0, 0)
    else:
        above = padded[-2]
        if len(padded) > 2 or math.prod(shape[:above]) * math.prod(shape[above + 1 : below]) > 1:
            return None
        rows, vertical = shape[above], amounts[above]
    columns, horizontal = shape[below], amounts[below]
    outputs = (rows + sum(vertical), columns + sum(horizontal))
    return Windows((rows, columns), inner, outputs, inner, start=(-vertical[0], -horizontal[0]))


def join_windows(shapes: Sequence[Shape], axis: int) -> list[Windows]:
    """Of each input of a concatenation: what lies behind the axis is copied as channels."""
    before = shapes[0][:axis]
    size = (math.prod(before[:-1]), before[-1]) if before else (1, 1)
    parts = [math.prod(shape[axis:]) for shape in shapes]
    firsts = accumulate(parts[:-1], initial=0)
    return [Windows(size, part, size, sum(parts), first) for part, first in zip(parts, firsts, strict=True)]


def copy_windows(elements: int) -> Windows:
    """Of a copy: one pixel."""
    return Windows((1, 1), elements, (1, 1), elements)
