"""Input codes for the official models: real ones where there are any, made ones elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.graph import quantize_input
from hwq.graph.network import Network
from tests.support.models import official_file


def real_samples(name: str, network: Network) -> NDArray[np.int8]:
    """Every recorded sample of the benchmark's folder for a model, int8 [N, *input shape]; IC and VWW have none."""
    shape = network.tensors[network.input].shape
    if name == "kws":
        x: NDArray[Any] = np.load(official_file("kws_test_600.npz"))["x"]
    elif name == "ad":
        x = np.load(official_file("ad_normal_id01_196.npz"))["x"]
    else:
        return np.empty((0, *shape), np.int8)
    return quantize_input(network, x.reshape(len(x), *shape)).astype(np.int8)


def samples(name: str, network: Network, count: int, seed: int) -> NDArray[np.int8]:
    """``count`` codes [count, *input shape]: as many real ones as there are, the rest half smooth and half noise.

    Smooth samples are what cameras give more often than noise: a few large patches, blurred, and a little grain.
    """
    rng = np.random.default_rng(seed)
    shape = network.tensors[network.input].shape
    real = real_samples(name, network)
    real = real[rng.permutation(len(real))[:count]]
    missing = count - len(real)
    noise = rng.integers(-128, 128, (missing - missing // 2, *shape), dtype=np.int8)
    return np.concatenate([real, _smooth(rng, missing // 2, shape), noise])


def _smooth(rng: np.random.Generator, count: int, shape: tuple[int, ...]) -> NDArray[np.int8]:
    if len(shape) < 2:
        x = np.cumsum(rng.normal(0, 8, (count, *shape)), axis=1)
    else:
        height, width, channels = shape
        coarse = rng.uniform(-150, 150, (count, 6, 6, channels))
        rows, columns = (_between(size, 6) for size in (height, width))
        x = np.einsum("yi,nijc,xj->nyxc", rows, coarse, columns) + rng.normal(0, 4, (count, *shape))
    return np.clip(np.rint(x), -128, 127).astype(np.int8)


def _between(size: int, knots: int) -> NDArray[np.float64]:
    """Linear interpolation [size, knots]."""
    position = np.linspace(0, knots - 1, size)
    return np.maximum(0, 1 - np.abs(position[:, None] - np.arange(knots)))
