"""Networks with codes of more than 8 bits: their codes travel as what they are, int16.

Layers between narrower tensors are computed by the kernels of bytes; the others by what is here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hwq.emulate.contracts import Arithmetic
from hwq.emulate.memory import allocate
from hwq.errors import ConfigError
from hwq.graph.layers import Concatenation, Layer, Pad, Pool2D, Requantize, Reshape
from hwq.graph.network import Network
from hwq.graph.tables import requantization_table

#: Writes its first argument, [N, *output shape], from the others, [N, *input shape] each.
Kernel = Callable[..., None]
Codes = NDArray[np.int16]


def is_wide(network: Network) -> bool:
    """Whether a tensor of the network has codes that no byte holds."""
    return any(tensor.quantization.format.width > 8 for tensor in network.tensors.values())


def wide_kernel(network: Network, layer: Layer, arithmetic: Arithmetic, narrow: Callable[[], Kernel]) -> Kernel:
    """The callable that computes ``layer``, which has no weights, on int16 codes.

    ``narrow`` makes the one that computes it on bytes.
    """
    names = (*layer.inputs, layer.output)
    if all(network.tensors[name].quantization.format.width <= 8 for name in names):
        return _with_bytes(network, layer, narrow())
    return _BUILDERS[type(layer)](network, layer, arithmetic)


def _with_bytes(network: Network, layer: Layer, kernel: Kernel) -> Kernel:
    """``kernel`` of bytes, on int16 codes."""
    signed = [network.tensors[name].quantization.format.signed for name in (*layer.inputs, layer.output)]
    *sources, target = (128 if is_signed else 0 for is_signed in signed)

    def run(out: Codes, *inputs: Codes) -> None:
        operands = []
        for x, lowest in zip(inputs, sources, strict=True):
            operands.append(allocate(x.shape))
            operands[-1][...] = x + lowest
        found = allocate(out.shape)
        kernel(found, *operands)
        out[...] = found.astype(np.int16) - target

    return run


def _pad(network: Network, layer: Pad, arithmetic: Arithmetic) -> Kernel:
    shape = network.tensors[layer.inputs[0]].shape
    inner = tuple(slice(before, before + size) for (before, _), size in zip(layer.amounts, shape, strict=True))

    def run(out: Codes, x: Codes) -> None:
        out[...] = layer.value
        out[(slice(None), *inner)] = x

    return run


def _concatenation(network: Network, layer: Concatenation, arithmetic: Arithmetic) -> Kernel:
    return lambda out, *inputs: np.concatenate(inputs, axis=layer.axis + 1, out=out)


def _reshape(network: Network, layer: Reshape, arithmetic: Arithmetic) -> Kernel:
    def run(out: Codes, x: Codes) -> None:
        out[...] = x.reshape(out.shape)

    return run


def _largest(network: Network, layer: Pool2D, arithmetic: Arithmetic) -> Kernel:
    """Maximum of each window; averages of so many bits are no layers of a network."""
    top, bottom, left, right = layer.padding
    padding = ((0, 0), (top, bottom), (left, right), (0, 0))
    lowest = np.iinfo(np.int16).min

    def run(out: Codes, x: Codes) -> None:
        whole = np.pad(x, padding, constant_values=lowest)
        windows = sliding_window_view(whole, layer.kernel, axis=(1, 2))[:, :: layer.stride[0], :: layer.stride[1]]
        out[...] = np.clip(windows.max(axis=(-2, -1)), *layer.clamp)

    return run


def _requantize(network: Network, layer: Requantize, arithmetic: Arithmetic) -> Kernel:
    source, target = (network.tensors[name].quantization for name in (layer.inputs[0], layer.output))
    if arithmetic.xnnpack:
        raise ConfigError(f"layer {layer.name}: XNNPACK has no change of scale for more than 8 bits")
    table = requantization_table(source, target, arithmetic.elsewhere).astype(np.int16)

    def run(out: Codes, x: Codes) -> None:
        np.take(table, x.astype(np.int64) - source.format.min, out=out)

    return run


_BUILDERS: dict[type[Layer], Callable[..., Kernel]] = {
    Concatenation: _concatenation,
    Pad: _pad,
    Pool2D: _largest,
    Requantize: _requantize,
    Reshape: _reshape,
}
