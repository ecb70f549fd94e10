"""Long runs: any number of samples in bounded memory, with progress."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hwq.emulate.emulator import Emulator, check_codes
from hwq.errors import DataError
from hwq.graph.inputs import quantize_input

#: Called with the samples done and all samples.
Progress = Callable[[int, int], None]


def run_batched(
    emulator: Emulator,
    x: NDArray[np.generic],
    progress: Progress | None = None,
    out: NDArray[np.integer] | None = None,
) -> NDArray[np.integer]:
    """Outputs of the network for samples that may be far more than fit in memory.

    Samples are read, quantized and computed a chunk at a time, so memory beyond ``x`` and the result stays at a few
    megabytes whatever their number.

    Parameters
    ----------
    emulator:
        What computes them.
    x:
        [N, *input shape], codes or real numbers as `hwq.graph.quantize_input` takes them; a `numpy.memmap` is read
        piece by piece.
    progress:
        Called after each chunk as ``progress(done, total)``.
    out:
        Where to write the result, [N, *output shape] of the output's type, for example a `numpy.memmap`.

    Returns
    -------
    Output codes [N, *output shape]; ``out`` where it is given.

    Raises
    ------
    DataError
        Shape, type or values of ``x`` are not the input's, or ``out`` does not fit the output.
    """
    network = emulator.network
    target = network.tensors[network.output]
    quantize_input(network, x[:0] if x.ndim else x)
    total = len(x)
    if out is None:
        out = np.empty((total, *target.shape), target.quantization.format.dtype)
    check_codes(out, target, f"the output of {network.name}")
    if len(out) != total:
        raise DataError(f"the output has room for {len(out)} samples, the input holds {total}")
    for start in range(0, total, emulator.chunk):
        part = slice(start, min(start + emulator.chunk, total))
        out[part] = emulator.run(quantize_input(network, np.asarray(x[part]), start))
        if progress is not None:
            progress(part.stop, total)
    return out
