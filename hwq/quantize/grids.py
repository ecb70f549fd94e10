"""Grids of codes: from a range of real numbers to scale and zero-point, and from real numbers to codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.graph.tensors import Quantization
from hwq.numeric.bounds import signed_bits
from hwq.numeric.formats import IntFormat
from hwq.quantize.specification import Scheme

#: Ranges narrower than this hold nothing but zero, as far as scales reach.
_NARROWEST = 2.0**-40


@dataclass(frozen=True)
class Grid:
    """Real numbers ``scale * (code - zero_point)`` for the codes ``low`` to ``high``."""

    scale: np.float32
    zero_point: int
    low: int
    high: int

    def codes(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """The nearest code of each number, saturated; halves go to the even code."""
        steps = np.rint(np.asarray(x, np.float64) / np.float64(self.scale)) + self.zero_point
        return np.asarray(np.clip(steps, self.low, self.high))

    def rounded(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """The number of the grid that stands for each number."""
        return (self.codes(x) - self.zero_point) * np.float64(self.scale)

    @property
    def format(self) -> IntFormat:
        """The narrowest that holds the codes."""
        return IntFormat(signed_bits(self.low, self.high))

    @property
    def quantization(self) -> Quantization:
        """As the graph holds it."""
        return Quantization(self.format, np.asarray([self.scale], np.float32), np.asarray([self.zero_point], np.int32))


def code_range(bits: int, scheme: Scheme) -> tuple[int, int]:
    """Lowest and highest code of ``bits`` bits; symmetric ones leave out the lowest."""
    top = (1 << (bits - 1)) - 1
    return (-top if scheme is Scheme.SYMMETRIC else -top - 1), top


def make_grid(low: float, high: float, bits: int, scheme: Scheme) -> Grid:
    """The grid of a range of activations, which is widened to hold 0, a number of the grid.

    Parameters
    ----------
    low, high:
        Smallest and largest number.
    bits, scheme:
        Of the codes.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    first, last = code_range(bits, scheme)
    if high - low < _NARROWEST:
        return Grid(np.float32(1), 0, first, last)
    if scheme is Scheme.SYMMETRIC:
        return Grid(np.float32(max(-low, high) / last), 0, first, last)
    scale = np.float32((high - low) / (last - first))
    zero_point = int(np.clip(np.rint(first - low / np.float64(scale)), first, last))
    return Grid(scale, zero_point, first, last)
