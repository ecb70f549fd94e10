"""Places of a network's tensors in activation memory: those that live at the same time do not overlap."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from hwq.arch.accelerator import ceil_div
from hwq.graph.liveness import Life, lifetimes, storage
from hwq.graph.network import Network

_TRIES = 1000


@dataclass(frozen=True)
class Allocation:
    """First element of every tensor, a multiple of the word, and the elements that all of them need together."""

    bases: Mapping[str, int]
    elements: int


@dataclass
class _Buffer:
    """Storage of one tensor, or of several that reshapes make the same."""

    size: int
    life: Life
    base: int = 0


def allocate(network: Network, word: int) -> Allocation:
    """Give every tensor of ``network`` a place.

    A tensor lives from the layer that writes it (the network's input from before the first) to the last layer that
    reads it (the network's output to after the last); a layer's inputs and output live together while it runs. Tensors
    are placed one by one, each as low as those alive beside it leave room: the largest first, then in other orders
    until one takes no more than what lives at once, or many have been tried. The result is always the same.
    """
    same = storage(network)
    buffers = {
        name: _Buffer(ceil_div(network.tensors[name].elements, word) * word, life)
        for name, life in lifetimes(network, same).items()
    }
    distinct = sorted(buffers.values(), key=lambda buffer: (-buffer.size, buffer.life.first))
    most = max(
        sum(b.size for b in distinct if b.life.first <= when <= b.life.last) for when in range(len(network.layers))
    )
    order, best, choose = list(distinct), list(distinct), random.Random(0)
    least = _place(best)
    for _ in range(_TRIES):
        if least == most:
            break
        choose.shuffle(order)
        if (size := _place(order)) < least:
            least, best = size, list(order)
    size = _place(best)
    return Allocation({name: buffers[place].base for name, place in same.items()}, size)


def _place(order: list[_Buffer]) -> int:
    """Place buffers one by one; returns the elements they take together."""
    placed: list[_Buffer] = []
    for buffer in order:
        buffer.base = 0
        beside = [other for other in placed if buffer.life.meets(other.life)]
        for other in sorted(beside, key=lambda other: other.base):
            if buffer.base + buffer.size <= other.base:
                break
            buffer.base = max(buffer.base, other.base + other.size)
        placed.append(buffer)
    return max(buffer.base + buffer.size for buffer in placed)
