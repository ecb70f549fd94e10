"""Softmax of int8 codes as TFLite's fixed-point kernel computes it (docs/spec/numerics.md, N.6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import fixed_point
from hwq.graph.layers import Softmax
from hwq.graph.tensors import Quantization
from hwq.numeric.requantize import quantize_multiplier

#: Integer bits of the differences from the maximum (Q5.26) and of the sum of exponentials (Q12.19).
_DIFFERENCE_BITS = 5
_SUM_BITS = 12


class FixedPointSoftmax:
    """Softmax over the last axis; the exponentials of all 256 differences are a table.

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
        differences = np.arange(256, dtype=np.int64)
        inside = differences <= radius
        scaled = fixed_point.high_multiply(-np.where(inside, differences, 0) << shift, multiplier)
        exponentials = fixed_point.exp_of_negative(scaled, _DIFFERENCE_BITS)
        #: Q0.31 exponential of minus the index, 0 where it is too far below the maximum to count.
        self.exponentials: NDArray[np.int64] = np.where(inside, exponentials, 0)
        self.terms: NDArray[np.int64] = np.where(inside, fixed_point.divide(exponentials, _SUM_BITS), 0)

    def __call__(self, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bytes of the same shape: probabilities in units of 1/256."""
        wide = x.astype(np.int64)
        differences = wide.max(axis=-1, keepdims=True) - wide
        total = self.terms[differences].sum(axis=-1, keepdims=True)
        mantissa, shift = fixed_point.reciprocal(total, _SUM_BITS)
        product = fixed_point.high_multiply(self.exponentials[differences], mantissa)
        return np.clip(fixed_point.divide(product, shift + (31 - 8)), 0, 255).astype(np.uint8)


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
        self.exponentials: NDArray[np.float32] = np.exp((slope * differences).astype(np.float64)).astype(np.float32)

    def __call__(self, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bytes of the same shape: probabilities in units of 1/256."""
        wide = x.astype(np.int64)
        terms = self.exponentials[wide.max(axis=-1, keepdims=True) - wide]
        # Summed one after the other, as the kernel does: np.sum would add in pairs.
        total = np.cumsum(terms, axis=-1, dtype=np.float32)[..., -1:]
        scaled = terms * (np.float32(1) / (total * np.float32(1 / 256)))
        return np.clip(np.floor(scaled.astype(np.float64) + 0.5), 0, 255).astype(np.uint8)
