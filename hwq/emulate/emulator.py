"""Execution of a whole network, bit for bit, on batches of samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.emulate.contracts import arithmetic_of
from hwq.emulate.layers import build
from hwq.emulate.memory import Slots, allocate
from hwq.emulate.ordered import Ordered, Overflows
from hwq.emulate.products import Product, fastest_product
from hwq.emulate.wide import Kernel, is_wide
from hwq.errors import DataError, ModelError
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from hwq.numeric.requantization import CONTRACTS
from hwq.numeric.requantize import Contract
from hwq.schedule.order import OrderedSum

Codes = NDArray[np.integer]

#: Bytes of activations that a chunk of samples should stay below, to stay in cache.
_CHUNK_BYTES = 1 << 21

#: Bytes of activations that one sample may need.
_LARGEST = 1 << 32


class Emulator:
    """Computes what the network's integer arithmetic gives, exactly, under one contract.

    Parameters
    ----------
    network:
        A checked network.
    contract:
        Whose arithmetic to follow: DOUBLE (tflite-micro, and hwq's hardware), UP2 (LiteRT's optimized kernels), SINGLE,
        or for comparison F64AWAY (LiteRT's reference kernels) and FP32HE (XNNPACK).
    product:
        What computes products of weights and activations: `products.DotProduct`, `products.FloatProduct`, or ``None``
        for the faster one on this processor. The results are the same.
    sums:
        By name, how an accelerator sums a layer's products (`hwq.schedule.order`): where sums may leave their width,
        they are computed in its order. Without it sums are exact, and wrap at 32 bits.
    count:
        Whether to count what leaves its width, in every layer whose overflow is a choice: see `overflows`. Sums that
        wrap, or that are proven to stay within their width, are computed faster without.

    Raises
    ------
    ConfigError
        The contract does not run whole networks but on an accelerator (PLAIN, SHIFT).
    ModelError
        A layer or the whole network is too large to be computed; the message says by how much.
    """

    def __init__(
        self,
        network: Network,
        contract: Contract = Contract.DOUBLE,
        product: type[Product] | None = None,
        sums: Mapping[str, OrderedSum] | None = None,
        count: bool = False,
    ) -> None:
        self.network = network
        self.contract = contract
        arithmetic = arithmetic_of(contract, on_chip=bool(sums))
        sums = {name: _under(contract, how) for name, how in (sums or {}).items()}
        product = product or fastest_product()
        self._slots = Slots(network, np.int16 if is_wide(network) else np.uint8)
        if self._slots.bytes_per_sample > _LARGEST:
            raise ModelError(
                f"{network.name} holds {self._slots.bytes_per_sample} bytes of activations for one sample; "
                f"the emulator takes up to {_LARGEST}"
            )
        self._kernels: dict[str, Kernel] = {}
        for layer in network.layers:
            try:
                self._kernels[layer.name] = build(network, layer, arithmetic, product, sums.get(layer.name), count)
            except ModelError as error:
                raise ModelError(f"layer {layer.name}: {error}") from None
        #: Samples that are computed together: enough to hide the cost of calls, few enough to stay in cache.
        self.chunk = max(1, _CHUNK_BYTES // max(1, self._slots.bytes_per_sample))

    @property
    def overflows(self) -> dict[str, Overflows]:
        """How often sums and outputs left their width, layer by layer and channel by channel, since this was made.

        Over all samples; a layer is missing where nothing of it is counted.
        """
        return {
            name: kernel.overflows
            for name, kernel in self._kernels.items()
            if isinstance(kernel, Ordered) and kernel.counting
        }

    def run(self, x: Codes) -> Codes:
        """Output codes [N, *output shape] of input codes ``x`` [N, *input shape].

        Raises
        ------
        DataError
            Shape or type of ``x`` is not the input's.
        """
        source, target = self.network.tensors[self.network.input], self.network.tensors[self.network.output]
        check_codes(x, source, f"the input of {self.network.name}")
        y = np.empty((len(x), *target.shape), target.quantization.format.dtype)
        buffers = self._slots.allocate(min(len(x), self.chunk))
        for start in range(0, len(x), self.chunk):
            part = slice(start, min(start + self.chunk, len(x)))
            views = {name: buffer[: part.stop - start] for name, buffer in buffers.items()}
            _enter(x[part], source, views[source.name])
            self._execute(views)
            _leave(views[target.name], target, y[part])
        return y

    def trace(self, x: Codes) -> dict[str, Codes]:
        """Every tensor of the network by name, [N, *shape] each, for input codes ``x`` [N, *input shape].

        Raises
        ------
        DataError
            Shape or type of ``x`` is not the input's.
        """
        source = self.network.tensors[self.network.input]
        check_codes(x, source, f"the input of {self.network.name}")
        kind, tensors = self._slots.kind, self.network.tensors
        buffers = {name: allocate((len(x), *tensor.shape), kind) for name, tensor in tensors.items()}
        _enter(x, source, buffers[source.name])
        self._execute(buffers)
        return {name: self._codes(name, buffer) for name, buffer in buffers.items()}

    def run_layer(self, layer: Layer | str, *inputs: Codes) -> Codes:
        """Output of one layer, [N, *shape], for its inputs, [N, *shape] each.

        Raises
        ------
        DataError
            Number, shape or type of the inputs is not the layer's.
        """
        if isinstance(layer, str):
            if layer not in self._kernels:
                raise DataError(f"{self.network.name} has no layer {layer!r}")
            layer = self.network.layer(layer)
        if len(inputs) != len(layer.inputs):
            raise DataError(f"layer {layer.name} takes {len(layer.inputs)} inputs, not {len(inputs)}")
        operands = []
        for name, x in zip(layer.inputs, inputs, strict=True):
            check_codes(x, self.network.tensors[name], f"tensor {name!r}")
            operands.append(allocate(x.shape, self._slots.kind))
            _enter(x, self.network.tensors[name], operands[-1])
        if len({len(x) for x in inputs}) > 1:
            raise DataError(f"layer {layer.name} is given {' and '.join(str(len(x)) for x in inputs)} samples")
        out = allocate((len(inputs[0]), *self.network.tensors[layer.output].shape), self._slots.kind)
        self._kernels[layer.name](out, *operands)
        return self._codes(layer.output, out)

    def _execute(self, buffers: dict[str, NDArray[Any]]) -> None:
        for layer in self.network.layers:
            self._kernels[layer.name](buffers[layer.output], *(buffers[name] for name in layer.inputs))

    def _codes(self, name: str, buffer: NDArray[Any]) -> Codes:
        tensor = self.network.tensors[name]
        y = np.empty(buffer.shape, tensor.quantization.format.dtype)
        _leave(buffer, tensor, y)
        return y


def _under(contract: Contract, how: OrderedSum) -> OrderedSum:
    """``how`` under a contract that is not the accelerator's, for comparison."""
    if contract is how.requantization.contract or contract not in CONTRACTS:
        return how
    return replace(how, requantization=replace(how.requantization, contract=contract))


def _enter(codes: Codes, tensor: Tensor, out: NDArray[Any]) -> None:
    """Bytes count codes from the lowest of their type; wider types hold them as they are."""
    if out.dtype != np.uint8:
        out[...] = codes
        return
    np.subtract(codes.view(np.uint8), _first_byte(tensor), out=out)


def _leave(buffer: NDArray[Any], tensor: Tensor, out: Codes) -> None:
    if buffer.dtype != np.uint8:
        out[...] = buffer
        return
    np.add(buffer, _first_byte(tensor), out=out.view(np.uint8))


def _first_byte(tensor: Tensor) -> np.uint8:
    """The lowest code of a tensor's type as a byte: narrow codes lie in the middle of int8."""
    return np.uint8(0x80 if tensor.quantization.format.signed else 0)


def check_codes(x: Codes, tensor: Tensor, what: str) -> None:
    """Accept codes [N, *tensor shape] of the tensor's own type; DataError otherwise, naming ``what``."""
    needed = ", ".join(["N", *map(str, tensor.shape)])
    kind = tensor.quantization.format.dtype
    if not isinstance(x, np.ndarray):
        raise DataError(f"{what} is {type(x).__name__}; needed is a {kind} array [{needed}]")
    if x.ndim == 0 or x.shape[1:] != tensor.shape:
        raise DataError(f"{what} has shape {list(x.shape)}; needed is [{needed}]")
    if x.dtype != kind:
        raise DataError(f"{what} is {x.dtype}; needed are {kind} codes")
    codes = tensor.quantization.format
    if codes.width not in (8, 16) and not codes.contains(x):
        raise DataError(f"{what} has codes from {x.min()} to {x.max()}; {codes} has {codes.min} to {codes.max}")
