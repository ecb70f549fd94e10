"""Where a layer stands when its C++ is put together, and what its sizes have in common with those of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.arch.accelerator import Accelerator
from hwq.graph.layers import Layer, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization
from hwq.numeric.accumulation import EXACT, Accumulation
from hwq.numeric.requantization import Requantization
from hwq.numeric.requantize import Contract, wrap32
from hwq.schedule.order import OrderedSum

_ROUNDINGS: Mapping[Contract, str] = {
    Contract.DOUBLE: "hwq::contract::double_rounding",
    Contract.SINGLE: "hwq::contract::single_rounding",
}

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
        """Of what is not products: those of the emulator's layers off the accelerator."""
        single = self.accelerator.arithmetic.contract is Contract.SINGLE
        return Contract.SINGLE if single else Contract.DOUBLE

    @property
    def optimized(self) -> bool:
        """Whether the contract stands for kernels that have a softmax and a mean of their own."""
        return self.accelerator.arithmetic.contract is Contract.UP2

    def accumulation(self, layer: Layer) -> Accumulation:
        """How the products of ``layer`` are summed."""
        ordered = self.sums.get(layer.name)
        return ordered.accumulation if ordered else EXACT

    def requantization(self, layer: Layer) -> Requantization:
        """How the sums of ``layer`` are scaled."""
        ordered, contract = self.sums.get(layer.name), self.accelerator.arithmetic.contract
        if ordered:
            return ordered.requantization
        return Requantization(Contract.UP2 if contract is Contract.UP2 else self.contract)

    @property
    def subtracted(self) -> bool:
        """Whether operands are codes less zero-point, or the codes, with the zero-point's part in the bias."""
        return self.accelerator.subtracted

    def bias(self, layer: WeightedLayer) -> NDArray[np.int64]:
        """Bias of each output channel, int64 [channels] of 32 bits, with the zero-point's part where it is folded."""
        bias = layer.bias.astype(np.int64)
        if self.subtracted:
            return bias
        # sum(w * (q - z)) is sum(w * q) less z times the sum of the weights; modulo 2^32, as the sum itself.
        return wrap32(bias - self.zero_point(layer.inputs[0]) * layer.channel_rows.sum(axis=1, dtype=np.int64))

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
        ("hwq::contract", "rounding", _ROUNDINGS[setting.contract]),
        *members(zero_point=setting.zero_point(layer.output), low=clamp[0], high=clamp[1]),
    ]
