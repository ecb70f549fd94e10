"""Softmax of int8 codes, in both arithmetics that TFLite's kernels have for it (docs/spec/operators.md, O.7)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.emulate.memory import Bytes
from hwq.graph.layers import Softmax
from hwq.graph.tables import softmax_exponentials
from hwq.graph.tensors import Quantization
from hwq.numeric.compiling import compiled
from hwq.numeric.fixed_point import divide, high_multiply, reciprocal

#: Integer bits of the sum of exponentials (Q12.19).
_SUM_BITS = 12


class FixedPointSoftmax:
    """Softmax over the last axis in gemmlowp's fixed point: the reference kernel and tflite-micro.

    Parameters
    ----------
    layer:
        The layer.
    source:
        Quantization of its input.
    """

    def __init__(self, layer: Softmax, source: Quantization) -> None:
        self._exponentials = softmax_exponentials(layer, source)

    def __call__(self, out: Bytes, x: Bytes) -> None:
        """Write the probabilities of each row of ``x``, in units of 1/256."""
        _fixed_point_rows(x.reshape(-1, x.shape[-1]), self._exponentials, out.reshape(-1, x.shape[-1]))


@compiled
def _fixed_point_rows(x: NDArray[Any], exponentials: NDArray[Any], out: NDArray[Any]) -> None:
    for row in range(x.shape[0]):
        largest = x[row].max()
        total = 0
        for i in range(x.shape[1]):
            total += divide(exponentials[largest - x[row, i]], _SUM_BITS)
        mantissa, shift = reciprocal(total, _SUM_BITS)
        for i in range(x.shape[1]):
            share = high_multiply(exponentials[largest - x[row, i]], mantissa)
            out[row, i] = min(divide(share, shift + (31 - 8)), 255)


class FloatSoftmax:
    """Softmax over the last axis as LiteRT's optimized kernels compute it: float32 exponentials from a table.

    Parameters
    ----------
    layer:
        The layer.
    source:
        Quantization of its input.
    """

    def __init__(self, layer: Softmax, source: Quantization) -> None:
        slope = -np.float32(source.scale[0]) * np.float32(layer.beta)
        differences = np.arange(256, dtype=np.float32)
        #: float32 exponential of minus the index.
        self._exponentials = np.exp((slope * differences).astype(np.float64)).astype(np.float32)

    def __call__(self, out: Bytes, x: Bytes) -> None:
        """Write the probabilities of each row of ``x``, in units of 1/256."""
        _float_rows(x.reshape(-1, x.shape[-1]), self._exponentials, out.reshape(-1, x.shape[-1]))


@compiled
def _float_rows(x: NDArray[Any], exponentials: NDArray[Any], out: NDArray[Any]) -> None:
    for row in range(x.shape[0]):
        largest = x[row].max()
        total = np.float32(0)
        for i in range(x.shape[1]):
            total += exponentials[largest - x[row, i]]
        factor = np.float32(1) / (total * np.float32(1 / 256))
        for i in range(x.shape[1]):
            share = exponentials[largest - x[row, i]] * factor
            # In float64 the sum is exact, and so the rounding.
            out[row, i] = min(int(np.float64(share) + 0.5), 255)
