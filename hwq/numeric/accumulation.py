"""Accumulation: from products to the sum that is requantized, whatever it fits in (docs/spec/numerics.md, N.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwq.errors import ConfigError
from hwq.numeric.formats import INT32, IntFormat
from hwq.numeric.overflow import Overflow, fit
from hwq.numeric.rounding import Rounding, shift_right


class SumOverflow(StrEnum):
    """What becomes of sums that leave their width."""

    REFUSE = "refuse"
    """They never do: networks whose sums could are refused."""

    WRAP = "wrap"
    """Modulo 2^width."""

    SATURATE = "saturate"
    """The nearest value of the width."""

    SATURATE_SYMMETRIC = "saturate_symmetric"
    """As SATURATE, but without the lowest value, -2^(width-1)."""


class Granularity(StrEnum):
    """After how many additions a sum is fitted to its width."""

    PASS = "pass"
    """A pass of the array is summed exactly and fitted once, then added to the accumulator and fitted there."""

    MAC = "mac"
    """After every single addition."""


class BiasPlace(StrEnum):
    """When the bias enters."""

    AFTER = "after"
    """The requantizer adds it to the finished sum."""

    INITIAL = "initial"
    """The accumulator begins with it, as in C++ for HLS."""


@dataclass(frozen=True)
class Accumulated:
    """Finished sums, and how often additions left their width on the way.

    All are int64 of one shape; an event is one addition whose exact result is outside, or one pass whose exact sum is.
    """

    sums: NDArray[np.int64]
    psum_overflows: NDArray[np.int64]
    accumulator_overflows: NDArray[np.int64]


@dataclass(frozen=True)
class Accumulation:
    """How products become a sum.

    Parameters
    ----------
    psum_bits:
        Width to which the sum of a pass is fitted before it is added; ``None``: it is added as it is.
    accumulator_bits:
        Width of the accumulators, 2 to 48.
    overflow, granularity, bias:
        See their types.
    truncate:
        Low bits that each product loses before it is added; sums are in units of ``2 ** truncate`` then.
    truncate_rounding:
        What becomes of those bits.

    Raises
    ------
    ConfigError
        With granularity MAC a sum has one width: ``psum_bits`` is another one.
    """

    psum_bits: int | None = None
    accumulator_bits: int = 32
    overflow: SumOverflow = SumOverflow.REFUSE
    granularity: Granularity = Granularity.PASS
    truncate: int = 0
    truncate_rounding: Rounding = Rounding.FLOOR
    bias: BiasPlace = BiasPlace.AFTER

    def __post_init__(self) -> None:
        if self.granularity is Granularity.MAC and self.psum_bits not in (None, self.accumulator_bits):
            raise ConfigError(
                f"psum_bits: must be null or accumulator_bits ({self.accumulator_bits}) where every addition is fitted "
                f"(granularity mac), not {self.psum_bits}"
            )

    @property
    def fitting(self) -> Overflow:
        """How a sum is fitted; REFUSE, where it never has to be, cuts the bits that nothing needs."""
        return Overflow.WRAP if self.overflow is SumOverflow.REFUSE else Overflow(self.overflow.value)

    def range(self, bits: int) -> tuple[int, int]:
        """Lowest and highest sum of ``bits`` bits."""
        codes = IntFormat(bits)
        return (-codes.max if self.overflow is SumOverflow.SATURATE_SYMMETRIC else codes.min), codes.max

    def product(self, products: ArrayLike) -> NDArray[np.int64]:
        """Products as they are added, int64 of the same shape."""
        return shift_right(np.asarray(products, dtype=np.int64), self.truncate, self.truncate_rounding)

    def largest(self, product: int) -> int:
        """Largest magnitude of a truncated product whose own is at most ``product``."""
        return max(abs(int(self.product(sign * product))) for sign in (-1, 1))

    def initial(self, bias: ArrayLike) -> NDArray[np.int64]:
        """What accumulators begin with, int64 of the shape of ``bias``: 0, or the bias in their unit and width."""
        values = np.asarray(bias, dtype=np.int64)
        if self.bias is BiasPlace.AFTER:
            return np.zeros_like(values)
        return fit(self.product(values), IntFormat(self.accumulator_bits), self.fitting)

    def biased(self, sums: ArrayLike, bias: ArrayLike) -> NDArray[np.int64]:
        """What is requantized: finished sums, in their unit, with the bias that comes after them; 32 bits.

        Where accumulators hold more than 32 bits it saturates there; elsewhere it wraps, as it does in TFLite.

        Parameters
        ----------
        sums:
            Integers [..., channels].
        bias:
            Integers [channels]; those with which accumulators began are not added again.

        Returns
        -------
        int64 [..., channels].
        """
        total = np.asarray(sums, dtype=np.int64) << self.truncate
        if self.bias is BiasPlace.AFTER:
            total = total + np.asarray(bias, dtype=np.int64)
        return fit(total, INT32, Overflow.SATURATE if self.is_wide else Overflow.WRAP)

    @property
    def is_wide(self) -> bool:
        """Whether sums in units of 1 may need more than the 32 bits that are requantized."""
        return self.accumulator_bits + self.truncate > INT32.width

    def compute(self, products: ArrayLike, passes: Sequence[int], bias: ArrayLike = 0) -> Accumulated:
        """Sum products over their last axis: the definition, one step after the other.

        Parameters
        ----------
        products:
            Integers [..., n] in the order in which they are added, below 2^46.
        passes:
            Products of each pass, n in all.
        bias:
            Integers that broadcast against [...]; used where accumulators begin with it.

        Returns
        -------
        Three int64 arrays [...].
        """
        terms = self.product(products)
        if sum(passes) != terms.shape[-1]:
            raise ValueError(f"passes: {sum(passes)} products, but there are {terms.shape[-1]}")
        shape = terms.shape[:-1]
        accumulator = np.array(np.broadcast_to(self.initial(bias), shape))
        psums, accumulators = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        begin = 0
        for length in passes:
            chunk = terms[..., begin : begin + length]
            begin += length
            if self.granularity is Granularity.MAC:
                for k in range(length):
                    accumulator = self._fit(accumulator + chunk[..., k], self.accumulator_bits, accumulators)
                continue
            psum = chunk.sum(axis=-1)
            if self.psum_bits is not None:
                psum = self._fit(psum, self.psum_bits, psums)
            accumulator = self._fit(accumulator + psum, self.accumulator_bits, accumulators)
        return Accumulated(accumulator, psums, accumulators)

    def _fit(self, sums: NDArray[np.int64], bits: int, overflows: NDArray[np.int64]) -> NDArray[np.int64]:
        """``sums`` within ``bits`` bits; adds 1 to ``overflows`` where they were not."""
        low, high = self.range(bits)
        overflows += (sums < low) | (sums > high)
        return fit(sums, IntFormat(bits), self.fitting)


EXACT = Accumulation()
"""Whole products whose sums need not be fitted."""
