"""From which layer to which one each tensor is needed: the one walk that all who share out memory follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwq.graph.layers import Reshape
from hwq.graph.network import Network


@dataclass(frozen=True)
class Life:
    """A tensor is written by layer ``first`` (-1: it is there from the start) and last read by layer ``last``.

    Both are numbers of layers in their order; the network's output is read after the last one.
    """

    first: int
    last: int

    def meets(self, other: Life) -> bool:
        """Whether both are needed at the same layer: a layer's inputs and its output are."""
        return self.first <= other.last and other.first <= self.last


def storage(network: Network) -> dict[str, str]:
    """For every tensor the one in whose place its codes lie: itself, or what reshapes made it of."""
    same = {network.input: network.input}
    for layer in network.layers:
        same[layer.output] = same[layer.inputs[0]] if isinstance(layer, Reshape) else layer.output
    return same


def lifetimes(network: Network, same: Mapping[str, str] | None = None) -> dict[str, Life]:
    """Life of every tensor that has a place of its own, in the order in which they are written.

    Parameters
    ----------
    network:
        The network.
    same:
        For every tensor the one whose place it shares, from `storage`; without it each has its own.
    """
    place = (lambda name: name) if same is None else same.__getitem__
    first, last = {network.input: -1}, {network.input: -1}
    for number, layer in enumerate(network.layers):
        for name in (*layer.inputs, layer.output):
            first.setdefault(place(name), number)
            last[place(name)] = number
    last[place(network.output)] = len(network.layers)
    return {name: Life(begin, last[name]) for name, begin in first.items()}
