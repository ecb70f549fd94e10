"""What a program computed, as arrays that somebody recorded in an ``.npz`` file."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.errors import DataError
from hwq.frontends.archives import opened, read_array
from hwq.graph.inputs import quantize_input
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor

Codes = NDArray[np.integer]

#: Names of the network's input and output in a file, where no tensor is called so.
_INPUT, _OUTPUT = "x", "y"


class Recorded:
    """Recorded tensors of a network; nothing more can be asked of who computed them.

    Parameters
    ----------
    name:
        What to call the program.
    network:
        The network.
    tensors:
        Codes [N, *shape] of some tensors by name, one number of samples for all. The network's input may be among them.
    """

    version: str | None = None

    def __init__(self, name: str, network: Network, tensors: Mapping[str, Codes]) -> None:
        self.name = name
        self.input = tensors.get(network.input)
        self.count = len(next(iter(tensors.values())))
        self._input_name = network.input
        self._tensors = {name: codes for name, codes in tensors.items() if name != network.input}
        self._next = 0

    def tensors(self, x: Codes) -> dict[str, Codes]:
        """The input codes ``x`` [N, *shape], and the recorded tensors of the next N samples."""
        part = slice(self._next, self._next + len(x))
        self._next = part.stop
        return {self._input_name: x, **{name: codes[part] for name, codes in self._tensors.items()}}

    def layer(self, layer: Layer) -> Callable[..., Codes] | None:
        """Nobody can be asked."""
        return None


def open_recorded(path: Path, network: Network) -> Recorded:
    """Recorded tensors of ``network`` in an ``.npz`` file.

    Arrays are [N, *shape] or [N, 1, *shape], codes in integers of any width. Their names are those of layers or of the
    model's own tensors; ``x`` is the input (real numbers too) and ``y`` the output; a single array of any other name is
    the output.

    Raises
    ------
    DataError
        Not a readable ``.npz``, or arrays that are no codes of the network's tensors; the message names the array.
    """
    with opened(path, "y=outputs") as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        if not names:
            raise DataError(f"{path}: it holds no arrays")
        tensors: dict[str, Codes] = {}
        for name in names:
            tensor = _tensor(path, network, name, alone=len(names) == 1)
            if tensor.name in tensors:
                raise DataError(f"{path}: {name} is tensor {tensor.name} of {network.name} once more")
            try:
                tensors[tensor.name] = _codes(network, tensor, read_array(archive, name))
            except DataError as error:
                raise DataError(f"{path}: {name}: {error}") from None
    counts = {name: len(codes) for name, codes in tensors.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{count:,} of {name}" for name, count in list(counts.items())[:6])
        raise DataError(f"{path}: its arrays hold different numbers of samples: {told}")
    if tensors.keys() == {network.input}:
        raise DataError(f"{path}: only the input of {network.name}; give what a program made of it, y=outputs")
    return Recorded(str(path), network, tensors)


def _tensor(path: Path, network: Network, name: str, alone: bool) -> Tensor:
    by_name = {tensor.origin: tensor for tensor in network.tensors.values() if tensor.origin}
    ends = {_INPUT: network.tensors[network.input], _OUTPUT: network.tensors[network.output]}
    known = {**ends, **by_name, **network.tensors}
    if name in known:
        return known[name]
    if alone:
        return ends[_OUTPUT]
    close = difflib.get_close_matches(name, [*network.tensors], n=1, cutoff=0.55)
    advice = f"did you mean {close[0]}?" if close else "arrays are named after layers; hwq inspect lists them"
    raise DataError(f"{path}: {network.name} has no tensor {name!r}; {advice}")


def _codes(network: Network, tensor: Tensor, values: NDArray[Any]) -> Codes:
    if values.shape[1:] == (1, *tensor.shape):
        values = values.reshape(len(values), *tensor.shape)
    if values.ndim == 0 or values.shape[1:] != tensor.shape:
        needed = ", ".join(["N", *map(str, tensor.shape)])
        raise DataError(f"it has shape {list(values.shape)}; tensor {tensor.name} needs [{needed}]")
    if not len(values):
        raise DataError("it holds no samples")
    if tensor.name == network.input:
        return quantize_input(network, values)
    codes = tensor.quantization.format
    if values.dtype.kind not in "iu":
        raise DataError(f"it is {values.dtype}; tensor {tensor.name} holds {codes} codes")
    lowest, highest = int(values.min()), int(values.max())
    if lowest < codes.min or highest > codes.max:
        wrong = lowest if lowest < codes.min else highest
        raise DataError(f"it holds {wrong}, no {codes} code: those are {codes.min}..{codes.max}")
    return values.astype(codes.dtype, copy=False)
