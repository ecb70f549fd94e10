"""From what a user has (real numbers or codes) to the codes that enter a network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.errors import DataError
from hwq.graph.network import Network


def quantize_input(network: Network, x: NDArray[Any], first: int = 0) -> NDArray[np.integer]:
    """Codes of the network's input for samples ``x``.

    Codes, that is integers of any width within the input's format, keep their values. Real numbers become
    ``round(float32(x / scale)) + zero_point``, halves away from zero, saturated: the QUANTIZE operator of TFLite.

    Parameters
    ----------
    network:
        The network whose input it is.
    x:
        [N, *input shape]; floating point, or integers.
    first:
        Number of the first sample, where ``x`` is a piece of more; messages count from it.

    Returns
    -------
    The input's integer type, [N, *input shape]

    Raises
    ------
    DataError
        Wrong shape or type, integers that are no codes, or numbers that are not finite.
    """
    tensor = network.tensors[network.input]
    quantization = tensor.quantization
    check_shape(network.name, tensor.shape, x)
    code_format = quantization.format
    if x.dtype.kind in "iu":
        # A whole array is compared faster by its extremes than element by element.
        if x.size and (int(x.min()) < code_format.min or int(x.max()) > code_format.max):
            where, value = _first(x, (x < code_format.min) | (x > code_format.max), first)
            raise DataError(
                f"{where} is {value}, no {code_format} code: those are {code_format.min}..{code_format.max}"
            )
        codes: NDArray[np.integer] = x.astype(code_format.dtype, copy=False)
        return codes
    if not np.issubdtype(x.dtype, np.floating):
        raise DataError(f"samples are {x.dtype}; the input of {network.name} takes {code_format} codes or floats")
    check_finite(x, first)
    with np.errstate(over="ignore", under="ignore"):
        steps = x.astype(np.float32) / quantization.scale[0]
    # Adding 0.5 in float32 would round 0.49999997 up; in float64 the sum is exact for every code in reach.
    wide = np.clip(steps.astype(np.float64), -(2.0**40), 2.0**40)
    rounded = np.copysign(np.floor(np.abs(wide) + 0.5), wide) + float(quantization.zero_point[0])
    quantized: NDArray[np.integer] = np.clip(rounded, code_format.min, code_format.max).astype(code_format.dtype)
    return quantized


def check_shape(name: str, shape: tuple[int, ...], x: NDArray[Any]) -> None:
    """Accept samples [N, *shape]; DataError names the network ``name`` whose input they do not fit."""
    if x.ndim == 0 or x.shape[1:] != shape:
        needed = ", ".join(["N", *map(str, shape)])
        raise DataError(f"samples have shape {list(x.shape)}; the input of {name} needs [{needed}]")


def check_finite(x: NDArray[Any], first: int) -> None:
    """Accept finite numbers; DataError says which is not, counting samples from ``first``."""
    finite = np.isfinite(x)
    if not finite.all():
        where, value = _first(x, ~finite, first)
        raise DataError(f"{where} is {value}; samples are finite numbers")


def _first(x: NDArray[np.generic], wrong: NDArray[np.bool_], first: int) -> tuple[str, np.generic]:
    """Where the first element is that is wrong, in words, and its value."""
    place = np.unravel_index(int(np.argmax(wrong)), x.shape)
    value: np.generic = x[place]
    return f"sample {first + int(place[0])}, element {[int(index) for index in place[1:]]}", value


def random_samples(network: Network, count: int, seed: int | np.random.Generator) -> NDArray[np.integer]:
    """``count`` uniformly random inputs of ``network``; a generator goes on where it was."""
    tensor = network.tensors[network.input]
    codes = tensor.quantization.format
    random = np.random.default_rng(seed)
    return random.integers(codes.min, codes.max, (count, *tensor.shape), endpoint=True).astype(codes.dtype)
