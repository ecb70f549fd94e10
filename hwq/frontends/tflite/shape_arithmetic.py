"""Shapes that a model computes: a flattening converted with a batch left open reads SHAPE, STRIDED_SLICE and PACK.

With the batch at 1 every shape is known, so these operators have values when the file is read and become no layers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ModelError
from hwq.frontends.tflite.reading import TensorReader

#: Most sizes put together: the most dimensions a tensor may have.
_MOST_SIZES = 8


def _shape(read: TensorReader[Any]) -> NDArray[np.int64]:
    read.expect("ShapeOptions", inputs=(1,), decisive=False)
    return np.asarray((1, *read.input(0).shape), np.int64)


def _strided_slice(read: TensorReader[Any]) -> NDArray[np.int64]:
    read.expect("StridedSliceOptions", inputs=(4,))
    values, begin, end, stride = (read.integers(position) for position in range(4))
    if read.constant(0).ndim != 1 or not len(begin) == len(end) == len(stride) == 1:
        raise ModelError("slices of more than one dimension; supported are slices of a shape")
    begin_mask, end_mask, ellipsis, new_axis, shrink = (read.operator.integer(slot) for slot in range(5))
    if ellipsis or new_axis:
        raise ModelError("an ellipsis or a new axis in a slice; supported are begin, end and stride")
    if stride[0] == 0:
        raise ModelError("a slice of stride 0")
    if shrink & 1:
        if not -len(values) <= begin[0] < len(values):
            raise ModelError(f"element {begin[0]} of a shape of {len(values)} sizes")
        return np.asarray(values[begin[0]], np.int64)
    first = None if begin_mask & 1 else begin[0]
    last = None if end_mask & 1 else end[0]
    return np.asarray(values[first : last : stride[0]], np.int64)


def _pack(read: TensorReader[Any]) -> NDArray[np.int64]:
    read.expect("PackOptions", inputs=tuple(range(1, _MOST_SIZES + 1)))
    positions = range(len(read.operator.inputs))
    parts = [read.integers(position) for position in positions]
    if read.operator.integer(1) not in (0, -1) or any(read.constant(position).ndim for position in positions):
        raise ModelError("packs more than sizes; supported are sizes of a shape")
    return np.asarray([part[0] for part in parts], np.int64)


#: Value of each operator's output, from an operator whose inputs are known.
SHAPE_OPERATORS: dict[str, Callable[[TensorReader[Any]], NDArray[np.int64]]] = {
    "PACK": _pack,
    "SHAPE": _shape,
    "STRIDED_SLICE": _strided_slice,
}
