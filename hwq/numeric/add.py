"""TFLite's sum of two quantized tensors (docs/spec/numerics.md, N.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwq.numeric.requantize import Contract, quantize_multiplier, requantize

#: Bits below the binary point that codes are given before their scales are made equal.
_LEFT_SHIFT = 20


@dataclass(frozen=True)
class AddParameters:
    """Constants of a sum, each a (multiplier, shift) of `quantize_multiplier`.

    Parameters
    ----------
    first, second:
        From the inputs' scales to twice the larger one.
    output:
        From there to the output's scale.
    """

    first: tuple[int, int]
    second: tuple[int, int]
    output: tuple[int, int]


def add_parameters(first: float, second: float, output: float) -> AddParameters:
    """Constants for inputs with scales ``first`` and ``second`` and an output with scale ``output``."""
    twice_largest = 2 * max(first, second)
    return AddParameters(
        quantize_multiplier(first / twice_largest),
        quantize_multiplier(second / twice_largest),
        quantize_multiplier(twice_largest / (2**_LEFT_SHIFT * output)),
    )


def add_term(x: ArrayLike, constants: tuple[int, int], contract: Contract = Contract.DOUBLE) -> NDArray[np.int64]:
    """What an input contributes to the sum.

    Parameters
    ----------
    x:
        Codes less their zero-point, 9 bits, any shape.
    constants:
        `AddParameters.first` or `AddParameters.second`.
    contract:
        An integer contract.
    """
    return requantize(np.asarray(x, dtype=np.int64) << _LEFT_SHIFT, *constants, contract)


def add(
    first: ArrayLike, second: ArrayLike, parameters: AddParameters, contract: Contract = Contract.DOUBLE
) -> NDArray[np.int64]:
    """The sum in output codes, before zero-point and clamp.

    Parameters
    ----------
    first, second:
        Codes less their zero-points, 9 bits; any shapes that broadcast.
    parameters:
        From `add_parameters`.
    contract:
        An integer contract.
    """
    total = add_term(first, parameters.first, contract) + add_term(second, parameters.second, contract)
    return requantize(total, *parameters.output, contract)
