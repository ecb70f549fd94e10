"""From what a user has (real numbers or codes) to the codes that enter a network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwq.errors import DataError
from hwq.graph.network import Network


def quantize_input(network: Network, x: NDArray[np.generic]) -> NDArray[np.integer]:
    """Codes of the network's input for samples ``x``.

    Codes, that is an array of the input's own integer type, pass unchanged. Real numbers become
    ``round(float32(x / scale)) + zero_point``, halves away from zero, saturated: the QUANTIZE operator of TFLite.

    Parameters
    ----------
    network:
        The network whose input it is.
    x:
        [N, *input shape]; floating point, or the input's integer type.

    Returns
    -------
    The input's integer type, [N, *input shape]

    Raises
    ------
    DataError
        Wrong shape or type, or numbers that are NaN.
    """
    tensor = network.tensors[network.input]
    quantization = tensor.quantization
    if x.ndim == 0 or x.shape[1:] != tensor.shape:
        needed = ", ".join(["N", *map(str, tensor.shape)])
        raise DataError(f"samples have shape {list(x.shape)}; the input of {network.name} needs [{needed}]")
    code_format = quantization.format
    if x.dtype == code_format.dtype:
        codes: NDArray[np.integer] = x.astype(code_format.dtype, copy=False)
        if codes.size and (int(codes.min()) < code_format.min or int(codes.max()) > code_format.max):
            raise DataError(f"samples hold codes outside {code_format.min}..{code_format.max}")
        return codes
    if not np.issubdtype(x.dtype, np.floating):
        raise DataError(f"samples are {x.dtype}; the input of {network.name} takes {code_format.dtype} codes or floats")
    with np.errstate(over="ignore"):
        steps = x.astype(np.float32) / quantization.scale[0]
    if np.isnan(steps).any():
        raise DataError("samples hold NaN")
    # Adding 0.5 in float32 would round 0.49999997 up; in float64 the sum is exact for every code in reach.
    wide = np.clip(steps.astype(np.float64), -(2.0**40), 2.0**40)
    rounded = np.copysign(np.floor(np.abs(wide) + 0.5), wide) + float(quantization.zero_point[0])
    quantized: NDArray[np.integer] = np.clip(rounded, code_format.min, code_format.max).astype(code_format.dtype)
    return quantized
