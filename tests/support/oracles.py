"""The programs hwq's emulator must equal, by short names: tflite-micro and LiteRT with each of its sets of kernels."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from hwq.contracts.interpreters import Interpreter, LiteRt, TfliteMicro
from hwq.contracts.runtimes import LiveRuntime
from hwq.graph.network import Network

Array = NDArray[Any]

#: Each oracle's name as a runtime of `hwq contract`.
RUNTIME_OF = {
    "tflite_micro": "tflite-micro",
    "reference": "litert",
    "optimized": "litert-optimized",
    "xnnpack": "xnnpack",
}


def outputs_of(oracle: str, model: bytes, x: Array) -> Array:
    """First output of the unchanged model for the samples ``x`` [N, *input shape]."""
    interpreter: Interpreter = TfliteMicro(model) if oracle == "tflite_micro" else LiteRt(model, oracle)
    return interpreter.run(x)[0]


def tensors_of(oracle: str, model: bytes, network: Network, x: Array) -> dict[str, Array]:
    """Every tensor but the input by its name in the network, [N, *shape]."""
    tensors = LiveRuntime(RUNTIME_OF[oracle], network, model).tensors(x)
    return {name: values for name, values in tensors.items() if name != network.input}
