"""From what a user has to the real numbers that enter a float network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.errors import DataError
from hwq.floating.network import FloatNetwork
from hwq.graph.inputs import check_finite, check_shape


def real_input(network: FloatNetwork, x: NDArray[Any], first: int = 0) -> NDArray[np.float32]:
    """Samples ``x`` as float32.

    Integers are refused: whether they are real numbers or the codes of a quantized network nobody can tell.

    Parameters
    ----------
    network:
        The network whose input it is.
    x:
        Floating point [N, *input shape].
    first:
        Number of the first sample, where ``x`` is a piece of more; messages count from it.

    Raises
    ------
    DataError
        Wrong shape or type, or numbers that are not finite in float32.
    """
    check_shape(network.name, network.tensors[network.input].shape, x)
    if x.dtype.kind != "f":
        raise DataError(
            f"samples are {x.dtype}; the input of {network.name} takes real numbers: store them as float32, or where "
            "they are codes of a quantized model its input_scale and input_zero_point beside them"
        )
    with np.errstate(over="ignore"):
        values = x.astype(np.float32, copy=False)
    check_finite(values, first)
    return values
