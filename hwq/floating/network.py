"""A network of real numbers: tensors and layers in the order they execute."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hwq.graph.layers import Layer


@dataclass(frozen=True, eq=False)
class FloatTensor:
    """One float32 activation tensor; ``shape`` leaves out the batch, ``origin`` is its name in the model's file."""

    name: str
    shape: tuple[int, ...]
    origin: str = ""

    @property
    def elements(self) -> int:
        """Number of elements of one sample."""
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """A directed acyclic graph of layers on float32 tensors with one input and one output.

    Parameters
    ----------
    name:
        Short name, an identifier.
    tensors:
        Every activation tensor by name.
    layers:
        In execution order; each output is written once, before it is read.
    input, output:
        Names of the tensors that enter and leave.
    """

    name: str
    tensors: Mapping[str, FloatTensor]
    layers: tuple[Layer, ...]
    input: str
    output: str

    def layer(self, name: str) -> Layer:
        """The layer called ``name``; KeyError where there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)
