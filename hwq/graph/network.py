"""A quantized network: tensors and layers in the order they execute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hwq.errors import ModelError
from hwq.graph.layers import Layer
from hwq.graph.tensors import Tensor


@dataclass(frozen=True, eq=False)
class Network:
    """A directed acyclic graph of layers with one input and one output, both integer tensors.

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
    tensors: Mapping[str, Tensor]
    layers: tuple[Layer, ...]
    input: str
    output: str
    _by_name: dict[str, Layer] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {layer.name: layer for layer in self.layers})
        if len(self._by_name) != len(self.layers):
            raise ModelError("two layers share a name")

    def layer(self, name: str) -> Layer:
        """The layer called ``name``; KeyError where there is none."""
        return self._by_name[name]
