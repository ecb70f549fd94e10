"""Requantization as hardware does it: records of channels, and codes from sums (docs/spec/numerics.md, N.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwq.errors import ConfigError
from hwq.numeric.formats import INT32, IntFormat
from hwq.numeric.overflow import Overflow, fit
from hwq.numeric.requantize import Contract, quantize_multiplier, quantize_shift, requantize
from hwq.numeric.rounding import Rounding, shift_right

Integers = NDArray[np.int64]

#: A record's fields, int64 [channels] each.
Records = Mapping[str, Integers]


class OutputOverflow(StrEnum):
    """What becomes of results outside the format of the codes; a fused activation clamps after it."""

    SATURATE = "saturate"
    """The nearest code."""

    SATURATE_SYMMETRIC = "saturate_symmetric"
    """As SATURATE, but never the lowest code."""

    WRAP = "wrap"
    """Modulo 2^width."""


@dataclass(frozen=True)
class RecordField:
    """A field of a channel's record."""

    name: str
    width: int
    signed: bool
    doc: str


_BIAS = RecordField("bias", 32, True, "added to the accumulator")
_SHIFT = RecordField("shift", 6, True, "power of two of the scale: left where positive, right where negative")

#: Largest right shift of PLAIN.
_MOST_SHIFT = 62

#: Contracts that a lane computes.
CONTRACTS = (Contract.DOUBLE, Contract.UP2, Contract.SINGLE, Contract.PLAIN, Contract.SHIFT)


@dataclass(frozen=True)
class Requantization:
    """How sums of 32 bits become codes.

    Parameters
    ----------
    contract:
        One of `CONTRACTS`.
    multiplier_bits, add_bits:
        Of PLAIN: widths of the multiplier, not negative, and of what is added to the product.
    rounding:
        Of PLAIN and SHIFT.
    output_overflow:
        See its type.

    Raises
    ------
    ConfigError
        The contract computes in floats.
    """

    contract: Contract = Contract.DOUBLE
    multiplier_bits: int = 16
    add_bits: int = 48
    rounding: Rounding = Rounding.HALF_UP
    output_overflow: OutputOverflow = OutputOverflow.SATURATE

    def __post_init__(self) -> None:
        if self.contract not in CONTRACTS:
            names = ", ".join(contract.value for contract in CONTRACTS)
            raise ConfigError(f"contract: {self.contract.value} computes in floats; hardware has {names}")

    @property
    def fields(self) -> tuple[RecordField, ...]:
        """What a channel's record holds, in its order."""
        if self.contract is Contract.PLAIN:
            return (
                RecordField("add", self.add_bits, True, "added to the product"),
                RecordField("multiplier", self.multiplier_bits, False, "requantization multiplier"),
                RecordField("right", 6, False, "shift to the right"),
            )
        if self.contract is Contract.SHIFT:
            return (_BIAS, _SHIFT)
        multiplier = RecordField("multiplier", 31, False, "requantization multiplier")
        if self.contract is Contract.UP2:
            away = RecordField("away", 1, False, "the second rounding takes halves away from zero, not up")
            return (_BIAS, multiplier, _SHIFT, away)
        return (_BIAS, multiplier, _SHIFT)

    @property
    def bias_field(self) -> str:
        """The field that holds the bias, or stands for it."""
        return "add" if self.contract is Contract.PLAIN else "bias"

    def encode(self, scales: ArrayLike, bias: ArrayLike, away: ArrayLike = False) -> Records:
        """The records of channels.

        Parameters
        ----------
        scales:
            Factor from sum to code, positive, float64 [channels].
        bias:
            Added before it, 32 bits, integer [channels].
        away:
            Of UP2: whether the second rounding takes halves away from zero, bool [channels].

        Raises
        ------
        ConfigError
            SHIFT: a scale is no power of two. PLAIN: a scale is too large for ``multiplier_bits``, or a bias times its
            multiplier for ``add_bits``.
        """
        factors = np.atleast_1d(np.asarray(scales, dtype=np.float64))
        biases = np.broadcast_to(np.asarray(bias, dtype=np.int64), factors.shape)
        if self.contract is Contract.PLAIN:
            return self._plain(factors, biases)
        if self.contract is Contract.SHIFT:
            return {"bias": biases, "shift": -np.array([quantize_shift(float(scale)) for scale in factors])}
        multiplier, shift = quantize_multiplier(factors)
        records = {"bias": biases, "multiplier": multiplier, "shift": shift}
        if self.contract is Contract.UP2:
            records["away"] = np.broadcast_to(np.asarray(away, dtype=np.int64), factors.shape)
        return records

    def _plain(self, scales: NDArray[np.float64], bias: Integers) -> Records:
        mantissas, exponents = np.frexp(scales)
        multiplier = np.floor(np.ldexp(mantissas, self.multiplier_bits) + 0.5).astype(np.int64)
        over = multiplier >> self.multiplier_bits > 0
        multiplier = np.where(over, multiplier >> 1, multiplier)
        right = self.multiplier_bits - exponents.astype(np.int64) - over
        if (right < 0).any():
            raise ConfigError(
                f"multiplier_bits: {self.multiplier_bits} bits hold no multiplier for a scale of {scales.max():g}"
            )
        # A shift beyond the product's own bits leaves what a smaller multiplier leaves.
        less = np.clip(right - _MOST_SHIFT, 0, 62)
        multiplier, right = multiplier >> less, np.minimum(right, _MOST_SHIFT)
        add = bias * multiplier
        if not IntFormat(self.add_bits).contains(add):
            most = max(abs(int(value)) for value in add).bit_length() + 1
            raise ConfigError(f"add_bits: a bias times its multiplier needs {most} bits, not {self.add_bits}")
        return {"add": add, "multiplier": multiplier, "right": right}

    def compute(self, sums: ArrayLike, records: Records) -> Integers:
        """What sums are scaled to, before the zero-point: the definition.

        Parameters
        ----------
        sums:
            Integers of 32 bits [..., channels].
        records:
            From `encode`.

        Returns
        -------
        int64 [..., channels].
        """
        x = np.asarray(sums, dtype=np.int64)
        if self.contract is Contract.PLAIN:
            product = x * records["multiplier"] + records["add"]
            return shift_right(product, records["right"], self.rounding)
        biased = fit(x + records["bias"], INT32, Overflow.WRAP)
        shift = records["shift"]
        if self.contract is Contract.SHIFT:
            left = fit(biased << np.maximum(shift, 0), INT32, Overflow.WRAP)
            return shift_right(left, np.maximum(-shift, 0), self.rounding)
        if self.contract is not Contract.UP2:
            return requantize(biased, records["multiplier"], shift, self.contract)
        up, away = (requantize(biased, records["multiplier"], shift, c) for c in (Contract.UP2, Contract.DOUBLE))
        return np.where(records["away"] != 0, away, up)

    def code(self, values: ArrayLike, zero_point: int, codes: IntFormat, clamp: tuple[int, int]) -> Integers:
        """Output codes, int64 [...]: the zero-point added, fitted to the format, clamped by the activation."""
        total = np.asarray(values, dtype=np.int64) + zero_point
        return np.asarray(np.clip(fit(total, codes, Overflow(self.output_overflow.value)), *clamp))

    def clamped(self, values: ArrayLike, zero_point: int, codes: IntFormat) -> NDArray[np.bool_]:
        """Which values are outside the format of the codes, bool [...]; symmetric lacks the lowest."""
        total = np.asarray(values, dtype=np.int64) + zero_point
        low = codes.min + (self.output_overflow is OutputOverflow.SATURATE_SYMMETRIC)
        return (total < low) | (total > codes.max)
