"""The programs hwq's emulator must equal: the tflite-micro wheel and LiteRT with each of its sets of kernels.

Each oracle runs a ``.tflite`` file (its bytes) on one sample after the other and gives what came out, batched as hwq
batches it: the model's leading dimension of 1 is replaced by the number of samples.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np
from ai_edge_litert.interpreter import Interpreter as LiteRtInterpreter
from ai_edge_litert.interpreter import OpResolverType
from numpy.typing import NDArray
from tflite.Model import Model
from tflite_micro.python.tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

Array = NDArray[Any]


def tensor_indices(model: bytes) -> dict[str, int]:
    """Index of each tensor of the first subgraph by name."""
    graph = Model.GetRootAsModel(model, 0).Subgraphs(0)
    return {graph.Tensors(i).Name().decode(): i for i in range(graph.TensorsLength())}


class TfliteMicro:
    """The tflite-micro wheel; with ``preserve`` every tensor can be read afterwards."""

    def __init__(self, model: bytes, *, preserve: bool = False) -> None:
        kinds = runtime.InterpreterConfig
        self._interpreter = runtime.Interpreter.from_bytes(
            model,
            arena_size=20 * len(model) + (4 << 20),
            intrepreter_config=kinds.kPreserveAllTensors if preserve else kinds.kAllocationRecording,
        )
        self._indices = tensor_indices(model)

    def run(self, x: Array) -> Array:
        """Outputs for the samples ``x`` [N, *input shape]."""
        outputs = []
        for sample in x:
            self._interpreter.set_input(sample[None], 0)
            self._interpreter.invoke()
            outputs.append(self._interpreter.get_output(0)[0].copy())
        return np.stack(outputs)

    def trace(self, x: Array, names: Iterable[str]) -> dict[str, Array]:
        """The named tensors for the samples ``x``, without their batch dimension, flattened to [N, elements]."""
        found: dict[str, list[Array]] = {name: [] for name in names}
        for sample in x:
            self._interpreter.set_input(sample[None], 0)
            self._interpreter.invoke()
            for name, values in found.items():
                values.append(self._interpreter.GetTensor(self._indices[name], 0)["tensor_data"].reshape(-1).copy())
        return {name: np.stack(values) for name, values in found.items()}


class LiteRt:
    """LiteRT on one thread.

    Parameters
    ----------
    model:
        The file's bytes.
    kernels:
        ``reference``, ``optimized`` (no delegate) or ``xnnpack``.
    preserve:
        Keep every tensor readable; not for ``xnnpack``, whose intermediates are inside the delegate.
    batch:
        Samples that one call computes.
    """

    _RESOLVERS: ClassVar = {
        "reference": OpResolverType.BUILTIN_REF,
        "optimized": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        "xnnpack": OpResolverType.BUILTIN,
    }

    def __init__(self, model: bytes, kernels: str, *, preserve: bool = False, batch: int = 1) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._interpreter = LiteRtInterpreter(
                model_content=model,
                num_threads=1,
                experimental_op_resolver_type=self._RESOLVERS[kernels],
                experimental_preserve_all_tensors=preserve,
            )
        if batch > 1:
            detail = self._interpreter.get_input_details()[0]
            self._interpreter.resize_tensor_input(detail["index"], [batch, *detail["shape"][1:]])
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]
        self._indices = tensor_indices(model)

    def run(self, x: Array) -> Array:
        """First output for the samples ``x`` [N, *input shape]."""
        outputs = []
        for sample in x:
            self._interpreter.set_tensor(self._input, sample[None])
            self._interpreter.invoke()
            outputs.append(self._interpreter.get_tensor(self._outputs[0])[0])
        return np.stack(outputs)

    def repeat(self, x: Array) -> Callable[[], Any]:
        """A call that computes the same samples ``x``, one batch, again and again."""
        self._interpreter.set_tensor(self._input, x)
        invoke: Callable[[], Any] = self._interpreter.invoke
        return invoke

    def trace(self, x: Array, names: Iterable[str]) -> dict[str, Array]:
        """The named tensors for the samples ``x``, flattened to [N, elements]."""
        found: dict[str, list[Array]] = {name: [] for name in names}
        for sample in x:
            self._interpreter.set_tensor(self._input, sample[None])
            self._interpreter.invoke()
            for name, values in found.items():
                values.append(self._interpreter.get_tensor(self._indices[name]).reshape(-1))
        return {name: np.stack(values) for name, values in found.items()}


def with_outputs(model: bytes, names: Iterable[str]) -> bytes:
    """The same model with the named tensors as further outputs, so that delegates must leave them readable."""
    import flatbuffers

    indices = tensor_indices(model)
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    graph = tree.subgraphs[0]
    present = list(graph.outputs)
    graph.outputs = np.array(present + [indices[n] for n in names if indices[n] not in present], np.int32)
    tree.signatureDefs = None
    builder = flatbuffers.Builder(len(model) + 4096)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
