"""Softmax of int8 codes, in both arithmetics that TFLite's kernels have for it (docs/spec/operators.md, O.7)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.emulate.memory import Bytes
from hwq.graph.layers import Softmax
from hwq.graph.tensors import Quantization
from hwq.numeric.compiling import compiled
from hwq.numeric.fixed_point import divide, exp_of_negative, high_multiply, reciprocal
from hwq.numeric.requantize import quantize_multiplier

#: Integer bits of the differences from the maximum (Q5.26) and of the sum of exponentials (Q12.19).
_DIFFERENCE_BITS = 5
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
        factor = min(layer.beta * float(source.scale[0]) * 2.0 ** (31 - _DIFFERENCE_BITS), 2.0**31 - 1)
        multiplier, shift = quantize_multiplier(factor)
        radius = int(((1 << _DIFFERENCE_BITS) - 1) * 2.0 ** (31 - _DIFFERENCE_BITS) / 2.0**shift)
        #: Q0.31 exponential of minus the index, 0 where it is too far below the maximum to count.
        self._exponentials = np.zeros(256, np.int64)
        for difference in range(min(radius, 255) + 1):
            scaled = high_multiply(-difference << shift, multiplier)
            self._exponentials[difference] = exp_of_negative(scaled, _DIFFERENCE_BITS)

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
