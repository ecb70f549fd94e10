"""What a program computed, as arrays that somebody recorded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Layer
from hwq.graph.network import Network

Codes = NDArray[np.integer]


class Recorded:
    """Recorded tensors of a network; nothing more can be asked of who computed them.

    Parameters
    ----------
    name:
        What to call the program.
    network:
        The network.
    tensors:
        Codes [N, *shape] of some tensors by name, one number of samples for all.
    """

    version = None

    def __init__(self, name: str, network: Network, tensors: Mapping[str, Codes]) -> None:
        self.name = name
        self._input = network.input
        self._tensors = {name: codes for name, codes in tensors.items() if name != network.input}
        self._next = 0

    def tensors(self, x: Codes) -> dict[str, Codes]:
        """The input codes ``x`` [N, *shape], and the recorded tensors of the next N samples."""
        part = slice(self._next, self._next + len(x))
        self._next = part.stop
        return {self._input: x, **{name: codes[part] for name, codes in self._tensors.items()}}

    def layer(self, layer: Layer) -> None:
        """Nobody can be asked."""
