"""Runtimes by name, and what each computes for a network: every tensor, and every layer alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from hwq.contracts.cutting import cut
from hwq.contracts.interpreters import Interpreter, LiteRt, TfliteMicro
from hwq.errors import ModelError, ToolError
from hwq.frontends.tflite.schema import IDENTIFIER, RawModel, RawOperator
from hwq.frontends.tflite.shape_arithmetic import SHAPE_OPERATORS
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.toolchain.tools import python_package

Codes = NDArray[np.integer]


@dataclass(frozen=True)
class Runtime:
    """A program that runs ``.tflite`` files: its Python package, and how it opens a file's bytes."""

    package: str
    open: Callable[[bytes], Interpreter]


#: Every runtime by the name that users give it.
RUNTIMES: Mapping[str, Runtime] = {
    "tflite-micro": Runtime("tflite-micro", TfliteMicro),
    "litert": Runtime("ai-edge-litert", partial(LiteRt, kernels="reference")),
    "litert-optimized": Runtime("ai-edge-litert", partial(LiteRt, kernels="optimized")),
    "xnnpack": Runtime("ai-edge-litert", partial(LiteRt, kernels="xnnpack")),
}


class LiveRuntime:
    """A runtime that computes a network's tensors.

    Parameters
    ----------
    name:
        Of `RUNTIMES`.
    network:
        Read from ``model``.
    model:
        The bytes of its ``.tflite`` file.

    Raises
    ------
    ToolError
        The runtime's package is missing, or does not run the model.
    ModelError
        The file is not ``.tflite``.
    """

    def __init__(self, name: str, network: Network, model: bytes) -> None:
        self.name = name
        self._runtime = RUNTIMES[name]
        self.version: str | None = python_package(self._runtime.package).version
        if model[4:8] != IDENTIFIER:
            raise ModelError(
                f"{name} runs .tflite files, and this is none: give the .tflite file that the network was read from, "
                "or compare with an .npz of recorded outputs"
            )
        self._network = network
        self._model = model
        self._operators = _operators_of(network, RawModel(model))
        self._tensors = {layer.output: op.outputs[0] for layer, op in self._operators.items()}
        source = _sources(network)[network.input]
        self._tensors[network.input] = self._operators[source].inputs[source.inputs.index(network.input)]
        self._outputs = [layer.output for layer in network.layers]
        self._whole = self._open(tuple(network.layers), (network.input,), self._outputs)
        if isinstance(self._whole, LiteRt) and not self._whole.takes_part:
            raise ToolError(
                f"{name} takes none of the layers of {network.name}, or this {self._runtime.package} is built without "
                "it; litert-optimized is what computes them"
            )

    def tensors(self, x: Codes) -> dict[str, Codes]:
        """Every tensor of the network by name, [N, *shape], for the input codes ``x``."""
        found = zip(self._outputs, self._whole.run(x), strict=True)
        return {self._network.input: x, **{name: self._shaped(name, values) for name, values in found}}

    def layer(self, layer: Layer) -> Callable[..., Codes]:
        """One layer alone, as a function from its inputs [N, *shape] to its output."""
        # A tensor that enters twice is one input of the model.
        names = tuple(dict.fromkeys(layer.inputs))
        alone = self._open((layer,), names, [layer.output])

        def run(*inputs: Codes) -> Codes:
            given = dict(zip(layer.inputs, inputs, strict=True))
            return self._shaped(layer.output, alone.run(*(given[name] for name in names))[0])

        return run

    def _open(self, layers: tuple[Layer, ...], inputs: tuple[str, ...], outputs: list[str]) -> Interpreter:
        shapes = [] if len(layers) == 1 else self._shape_operators
        operators = sorted([*(self._operators[layer].index for layer in layers), *shapes])
        indices = [[self._tensors[name] for name in names] for names in (inputs, outputs)]
        return self._runtime.open(cut(self._model, operators, *indices))

    @property
    def _shape_operators(self) -> list[int]:
        return [op.index for op in RawModel(self._model).operators if op.kind in SHAPE_OPERATORS]

    def _shaped(self, name: str, values: Codes) -> Codes:
        tensor = self._network.tensors[name]
        return values.reshape(len(values), *tensor.shape).astype(tensor.quantization.format.dtype, copy=False)


def _sources(network: Network) -> dict[str, Layer]:
    """A layer that reads each tensor, the first."""
    return {name: layer for layer in reversed(network.layers) for name in layer.inputs}


def _operators_of(network: Network, raw: RawModel) -> dict[Layer, RawOperator]:
    """The operator behind each layer: the reader makes one of each, in the file's order, but for a few it drops."""
    kept = [op for op in raw.operators if op.kind not in SHAPE_OPERATORS and not _is_real(raw, op)]
    if len(kept) != len(network.layers):
        raise ModelError(f"the file holds {len(kept)} operators for the network's {len(network.layers)} layers")
    return dict(zip(network.layers, kept, strict=True))


def _is_real(raw: RawModel, operator: RawOperator) -> bool:
    """Whether real numbers enter or leave the network through it; both are the reader's to drop."""
    ends = [raw.tensor(index) for index in (*operator.inputs[:1], *operator.outputs)]
    return operator.kind in ("QUANTIZE", "DEQUANTIZE") and any(tensor.type == "float32" for tensor in ends)
