"""Input codes for the official models: real ones where there are any, made ones elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.floating.network import FloatNetwork
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


def real_numbers(name: str, network: FloatNetwork, count: int, seed: int) -> NDArray[np.float32]:
    """``count`` inputs of a float model, as `samples` chooses them: recordings for AD and KWS, made images elsewhere.

    Images of IC are 0 to 255, those of VWW 0 to 1, as the models were trained.
    """
    if name == "kws":
        held = np.load(official_file("kws_test_600.npz"))
        real = (held["x"].astype(np.float32) - held["input_zero_point"]) * held["input_scale"]
        return np.asarray(real[:count], np.float32)
    if name == "ad":
        recorded: NDArray[np.float32] = np.load(official_file("ad_normal_id01_196.npz"))["x"][:count]
        return recorded
    rng = np.random.default_rng(seed)
    shape = network.tensors[network.input].shape
    pixels = np.concatenate([_smooth(rng, count - count // 2, shape), rng.integers(-128, 128, (count // 2, *shape))])
    return np.asarray((pixels + 128.0) / (255 if name == "vww" else 1), np.float32)


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
