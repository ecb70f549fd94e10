"""Timing in turns, and the layer that products are timed on."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from hwq.graph.layers import Dense
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import INT8

_ROUNDS = 7
#: Seconds that one timing should take at least.
_SLICE = 0.08

#: Reads as: a name, and what to call for how many inferences.
Contender = tuple[str, Callable[[], object], int]


def rates(contenders: list[Contender]) -> dict[str, float]:
    """Units of work per second of each contender."""
    repeats = {}
    for name, call, _ in contenders:
        call()
        started = time.perf_counter()
        call()
        repeats[name] = max(1, round(_SLICE / (time.perf_counter() - started)))
    seconds: dict[str, list[float]] = {name: [] for name, _, _ in contenders}
    for _ in range(_ROUNDS):
        for name, call, work in contenders:
            started = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            seconds[name].append((time.perf_counter() - started) / (repeats[name] * work))
    return {name: 1 / statistics.median(times) for name, times in seconds.items()}


def dense_network(units: int, depth: int, rng: np.random.Generator) -> Network:
    def quantization(scale: float) -> Quantization:
        return Quantization(INT8, np.float32([scale]), np.int32([0]))

    tensors = {"x": Tensor("x", (depth,), quantization(0.05)), "y": Tensor("y", (units,), quantization(8.0))}
    layer = Dense(
        "y",
        ("x",),
        "y",
        weights=rng.integers(-127, 128, (units, depth), dtype=np.int8),
        weight_quantization=quantization(0.01),
        bias=np.zeros(units, np.int32),
        clamp=(-128, 127),
    )
    return Network("product", tensors, (layer,), "x", "y")
