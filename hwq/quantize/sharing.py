"""Which tensors share a scale: layers that copy codes need it, and some layers' outputs have a fixed one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwq.floating import layers as real
from hwq.floating.network import FloatNetwork
from hwq.graph.layers import Concatenation, Layer, Reshape
from hwq.graph.requantization import fixed_output
from hwq.numeric.formats import INT8
from hwq.quantize.grids import Grid, make_grid
from hwq.quantize.ranges import Range
from hwq.quantize.specification import ActivationQuantization

#: Layers that copy codes.
_COPYING = (real.Pool2D, real.Pad, Reshape, Concatenation)


class SharedGrids:
    """The grid of every tensor.

    A group of tensors that must share one has the range that holds all of theirs. The inputs of a concatenation whose
    scale is fixed, after a logistic for example, stay apart: they are brought to the output's scale before it.

    Parameters
    ----------
    network:
        The float network.
    ranges:
        Of every tensor.
    spec:
        Of the activations.
    """

    def __init__(self, network: FloatNetwork, ranges: Mapping[str, Range], spec: ActivationQuantization) -> None:
        self._parents = {name: name for name in network.tensors}
        fixed = {layer.output: grid for layer in network.layers if (grid := _fixed(layer)) is not None}
        for layer in network.layers:
            if isinstance(layer, _COPYING) and not isinstance(layer, Concatenation):
                self._join(layer.inputs[0], layer.output)
        known = {self._root(name): grid for name, grid in fixed.items()}
        for layer in network.layers:
            if isinstance(layer, Concatenation):
                for name in layer.inputs:
                    if self._root(name) not in known:
                        self._join(name, layer.output)
        hulls: dict[str, Range] = {}
        for name, (low, high) in ranges.items():
            root = self._root(name)
            before = hulls.get(root, (low, high))
            hulls[root] = min(before[0], low), max(before[1], high)
        known = {self._root(name): grid for name, grid in fixed.items()}
        self._grids = {
            root: known.get(root) or make_grid(low, high, spec.bits, spec.scheme) for root, (low, high) in hulls.items()
        }

    def __getitem__(self, tensor: str) -> Grid:
        return self._grids[self._root(tensor)]

    def _root(self, name: str) -> str:
        while self._parents[name] != name:
            name = self._parents[name]
        return name

    def _join(self, first: str, second: str) -> None:
        self._parents[self._root(second)] = self._root(first)


def _fixed(layer: Layer) -> Grid | None:
    found = fixed_output(layer)
    return None if found is None else Grid(np.float32(found[0]), found[1], INT8.min, INT8.max)
