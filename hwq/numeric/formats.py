"""Integer and fixed-point formats (docs/spec/numerics.md, N.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ConfigError


@dataclass(frozen=True)
class IntFormat:
    """Two's complement or unsigned integers of ``width`` bits, 1 to 64.

    Raises
    ------
    ConfigError
        When ``width`` is out of range.
    """

    width: int
    signed: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.width, bool) or not isinstance(self.width, int) or not 1 <= self.width <= 64:
            raise ConfigError(f"width: must be an integer from 1 to 64, not {self.width!r}")
        if not isinstance(self.signed, bool):
            raise ConfigError(f"signed: must be true or false, not {self.signed!r}")

    @property
    def min(self) -> int:
        """Lowest value."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """Highest value."""
        return (1 << (self.width - self.signed)) - 1

    @property
    def dtype(self) -> np.dtype[np.integer]:
        """Narrowest numpy type that holds every value."""
        for bits in (8, 16, 32):
            if self.width <= bits:
                return np.dtype(f"{'int' if self.signed else 'uint'}{bits}")
        return np.dtype("int64" if self.signed else "uint64")

    def contains(self, x: NDArray[np.integer] | int) -> bool:
        """Whether every value of ``x`` is in the format."""
        values = np.asarray(x)
        return bool(values.size == 0 or (int(values.min()) >= self.min and int(values.max()) <= self.max))

    def __str__(self) -> str:
        return f"{'int' if self.signed else 'uint'}{self.width}"


INT8 = IntFormat(8)
INT16 = IntFormat(16)
INT32 = IntFormat(32)
UINT8 = IntFormat(8, signed=False)


@dataclass(frozen=True)
class FixedFormat:
    """Fixed point: an integer of ``width`` bits that counts units of ``2 ** -fraction_bits``.

    ``fraction_bits`` may be negative or exceed ``width``.
    """

    width: int
    signed: bool = True
    fraction_bits: int = 0

    def __post_init__(self) -> None:
        IntFormat(self.width, self.signed)
        if isinstance(self.fraction_bits, bool) or not isinstance(self.fraction_bits, int):
            raise ConfigError(f"fraction_bits: must be an integer, not {self.fraction_bits!r}")

    @property
    def codes(self) -> IntFormat:
        """Format of the integers behind the values."""
        return IntFormat(self.width, self.signed)

    @property
    def unit(self) -> float:
        """Value of the lowest bit."""
        return 2.0**-self.fraction_bits
