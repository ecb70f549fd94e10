"""From accumulators to output codes before the zero-point, under each contract."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hwq.numeric.requantize import Contract, quantize_multiplier, requantize

Scaling = Callable[[NDArray[np.int64]], NDArray[np.int64]]


def make_scaling(contract: Contract, scales: NDArray[np.float64]) -> Scaling:
    """Function from accumulators [..., channels] to scaled values, for effective scales [channels]."""
    if contract is Contract.FP32HE:
        factors = scales.astype(np.float32)
        return lambda acc: np.rint(acc.astype(np.float32) * factors).astype(np.int64)
    if contract is Contract.F64AWAY:
        return lambda acc: _round_away(acc * scales)
    multiplier, shift = quantize_multiplier(scales)
    return lambda acc: requantize(acc, multiplier, shift, contract)


def _round_away(x: NDArray[np.float64]) -> NDArray[np.int64]:
    return (np.sign(x) * np.floor(np.abs(x) + 0.5)).astype(np.int64)
