"""What calibration remembers of a tensor's values: extremes in a first pass, a histogram between them in a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Bins of a histogram: 8 for each code of 8 bits.
BINS = 2048


@dataclass
class Extremes:
    """Smallest and largest value, of all samples and averaged over them."""

    momentum: float
    low: float = np.inf
    high: float = -np.inf
    average: tuple[float, float] | None = None

    def add(self, values: NDArray[np.floating[Any]]) -> None:
        """Take samples [N, ...]."""
        rows = values.reshape(len(values), -1)
        lows, highs = rows.min(axis=1), rows.max(axis=1)
        self.low, self.high = min(self.low, float(lows.min())), max(self.high, float(highs.max()))
        for low, high in zip(lows.tolist(), highs.tolist(), strict=True):
            if self.average is None:
                self.average = low, high
            else:
                keep = self.momentum
                self.average = (
                    keep * self.average[0] + (1 - keep) * low,
                    keep * self.average[1] + (1 - keep) * high,
                )


@dataclass
class Histogram:
    """Counts of the values between ``low`` and ``high`` in equal bins; zeros, which every grid holds, apart."""

    low: float
    high: float
    zeros: int = 0
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def add(self, values: NDArray[np.floating[Any]]) -> None:
        """Take values of any shape that lie in the range."""
        flat = values.reshape(-1)
        nonzero = flat[flat != 0]
        self.zeros += flat.size - nonzero.size
        if self.high > self.low:
            self.counts += np.histogram(nonzero, BINS, (self.low, self.high))[0]

    @property
    def edges(self) -> NDArray[np.float64]:
        """Ends of the bins, [BINS + 1]."""
        return np.linspace(self.low, self.high, BINS + 1)

    @property
    def centers(self) -> NDArray[np.float64]:
        """Middle of each bin."""
        edges = self.edges
        return np.asarray((edges[1:] + edges[:-1]) / 2)

    @property
    def all_counts(self) -> NDArray[np.int64]:
        """The counts with zeros in their bin."""
        counts = self.counts.copy()
        if self.low <= 0 <= self.high:
            counts[min(int(np.searchsorted(self.edges, 0.0, side="right")) - 1, BINS - 1)] += self.zeros
        return counts
