"""Where a layer stands when its C++ is put together, and what its sizes have in common with those of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import InputZeroPoint
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization
from hwq.numeric.requantize import Contract
from hwq.schedule.order import OrderedSum

ROUNDINGS: Mapping[Contract, str] = {
    Contract.DOUBLE: "hwq::contract::double_rounding",
    Contract.SINGLE: "hwq::contract::single_rounding",
}
"""Contracts that the library has."""

Spec = list[tuple[str, str, str]]


@dataclass(frozen=True, eq=False)
class Setting:
    """Where a layer stands: its network, what the project says of arithmetic and array, and the lanes of tensors.

    ``sums`` has the layers that accumulate as the array does, in its order; others do so exactly, in 32 bits.
    """

    network: Network
    accelerator: Accelerator
    lanes: Mapping[str, int]
    sums: Mapping[str, OrderedSum]

    @property
    def contract(self) -> Contract:
        """That of the whole network."""
        return self.accelerator.arithmetic.contract

    @property
    def subtracted(self) -> bool:
        """Whether operands are codes less zero-point, or the codes, with the zero-point's part in the bias."""
        return self.accelerator.arithmetic.input_zero_point is InputZeroPoint.SUBTRACTED

    def quantization(self, tensor: str) -> Quantization:
        """Of a tensor."""
        return self.network.tensors[tensor].quantization

    def zero_point(self, tensor: str) -> int:
        """Of a tensor."""
        return int(self.quantization(tensor).zero_point[0])


def members(**values: int) -> Spec:
    """Numbers by name."""
    return [("int", name, str(value)) for name, value in values.items()]


def finish(setting: Setting, layer: Layer, clamp: tuple[int, int]) -> Spec:
    """How a result becomes a code."""
    return [
        ("hwq::contract", "rounding", ROUNDINGS[setting.contract]),
        *members(zero_point=setting.zero_point(layer.output), low=clamp[0], high=clamp[1]),
    ]
