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
from hwq.quantize.specification import Scheme

#: Layers that copy codes.
_COPYING = (real.Pool2D, real.Pad, Reshape, Concatenation)


class Groups:
    """Tensors of a float network in groups that share one grid.

    The inputs of a concatenation whose scale is fixed, after a logistic for example, stay apart: they are brought to
    the output's scale before it.
    """

    def __init__(self, network: FloatNetwork) -> None:
        self._parents = {name: name for name in network.tensors}
        fixed = {layer.output: grid for layer in network.layers if (grid := _fixed(layer)) is not None}
        for layer in network.layers:
            if isinstance(layer, _COPYING) and not isinstance(layer, Concatenation):
                self._join(layer.inputs[0], layer.output)
        apart = {self.of(name) for name in fixed}
        for layer in network.layers:
            if isinstance(layer, Concatenation):
                for name in layer.inputs:
                    if self.of(name) not in apart:
                        self._join(name, layer.output)
        #: Grids that follow from a layer, by their group.
        self.fixed: Mapping[str, Grid] = {self.of(name): grid for name, grid in fixed.items()}

    def of(self, tensor: str) -> str:
        """The group of a tensor: the name of one that is in it."""
        while self._parents[tensor] != tensor:
            tensor = self._parents[tensor]
        return tensor

    def _join(self, first: str, second: str) -> None:
        self._parents[self.of(second)] = self.of(first)


class SharedGrids:
    """The grid of every tensor; that of a group holds the ranges of all its tensors.

    Parameters
    ----------
    groups:
        Of the float network's tensors.
    ranges, widths:
        Of every tensor; all of a group have one width.
    scheme:
        Of the activations.
    """

    def __init__(self, groups: Groups, ranges: Mapping[str, Range], widths: Mapping[str, int], scheme: Scheme) -> None:
        self._groups = groups
        hulls: dict[str, Range] = {}
        for name, (low, high) in ranges.items():
            group = groups.of(name)
            before = hulls.get(group, (low, high))
            hulls[group] = min(before[0], low), max(before[1], high)
        self._grids = {
            group: groups.fixed.get(group) or make_grid(low, high, widths[group], scheme)
            for group, (low, high) in hulls.items()
        }

    def __getitem__(self, tensor: str) -> Grid:
        return self._grids[self._groups.of(tensor)]


def _fixed(layer: Layer) -> Grid | None:
    found = fixed_output(layer)
    return None if found is None else Grid(np.float32(found[0]), found[1], INT8.min, INT8.max)
