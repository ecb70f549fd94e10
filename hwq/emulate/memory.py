"""Buffers of activations: one per tensor that is alive, used again as soon as its tensor is dead."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.graph.liveness import lifetimes
from hwq.graph.network import Network

#: Bytes that kernels may read, and ignore, behind the last one.
SLACK = 64

Bytes = NDArray[np.uint8]


def allocate(shape: tuple[int, ...], kind: type[np.integer] = np.uint8) -> NDArray[Any]:
    """Uninitialized array of ``shape`` with `SLACK` elements behind it."""
    size = math.prod(shape)
    return np.empty(size + SLACK, kind)[:size].reshape(shape)


class Slots:
    """Assignment of a network's tensors to few buffers, for a run that keeps only the output.

    Parameters
    ----------
    network:
        The network.
    kind:
        Type of the elements: uint8, or int16 where codes are wider.
    """

    def __init__(self, network: Network, kind: type[np.integer] = np.uint8) -> None:
        self.kind = kind
        lives = lifetimes(network)
        self._slot: dict[str, int] = {}
        free: list[int] = []
        count = 0
        for number in range(-1, len(network.layers)):
            for name in (name for name, life in lives.items() if life.first == number):
                if not free:
                    free.append(count)
                    count += 1
                self._slot[name] = free.pop()
            free.extend(self._slot[name] for name, life in sorted(lives.items()) if life.last == number)
        self._sizes = [0] * count
        for name, slot in self._slot.items():
            self._sizes[slot] = max(self._sizes[slot], network.tensors[name].elements)
        self._shapes = {name: network.tensors[name].shape for name in self._slot}

    @property
    def bytes_per_sample(self) -> int:
        """Bytes of all buffers for one sample."""
        return sum(self._sizes) * np.dtype(self.kind).itemsize

    def allocate(self, samples: int) -> dict[str, NDArray[Any]]:
        """A buffer for each tensor, [samples, *shape]; tensors that are never alive together share memory."""
        buffers = [allocate((samples * size,), self.kind) for size in self._sizes]
        return {
            name: buffers[slot][: samples * math.prod(self._shapes[name])].reshape(samples, *self._shapes[name])
            for name, slot in self._slot.items()
        }
