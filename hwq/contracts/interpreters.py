"""The programs that run ``.tflite`` files: TFLite Micro, and LiteRT with each of its sets of kernels.

Their packages are imported when they are used: hwq itself does not need them. A sample enters without the batch
dimension, which is 1 in the file, and outputs are batched as hwq batches them.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ToolError
from hwq.frontends.tflite.schema import RawModel

Array = NDArray[Any]


class Interpreter(Protocol):
    """One model, ready to run."""

    def run(self, *inputs: Array) -> list[Array]:
        """Every output, [N, *shape], for the inputs [N, *shape], one sample after the other."""


class TfliteMicro:
    """The tflite-micro wheel.

    Parameters
    ----------
    model:
        The file's bytes.

    Raises
    ------
    ToolError
        It does not run the model.
    """

    def __init__(self, model: bytes) -> None:
        from tflite_micro.python.tflite_micro import runtime

        raw = RawModel(model)
        self._inputs = [raw.tensor(index).shape for index in raw.inputs]
        self._outputs = range(len(raw.outputs))
        # Room for every tensor at once, and for what the kernels keep: which is more than they need.
        elements = sum(math.prod(tensor.shape) for tensor in raw.tensors)
        arena = 20 * len(model) + 4 * elements + (4 << 20)
        with native_messages("tflite-micro"):
            self._interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena)

    def run(self, *inputs: Array) -> list[Array]:
        """Every output, [N, *shape], for the inputs [N, *shape]."""
        found: list[list[Array]] = [[] for _ in self._outputs]
        with refusals("tflite-micro"):
            for sample in zip(*inputs, strict=True):
                for index, (value, shape) in enumerate(zip(sample, self._inputs, strict=True)):
                    self._interpreter.set_input(value.reshape(shape), index)
                self._interpreter.invoke()
                for index in self._outputs:
                    found[index].append(self._interpreter.get_output(index)[0].copy())
        return [np.stack(values) for values in found]


#: LiteRT's sets of kernels by the name of its class of them; ``xnnpack`` is the delegate it applies by itself.
_RESOLVERS = {
    "reference": "BUILTIN_REF",
    "optimized": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "xnnpack": "BUILTIN",
}


class LiteRt:
    """LiteRT on one thread.

    Parameters
    ----------
    model:
        The file's bytes.
    kernels:
        ``reference``, ``optimized`` (no delegate) or ``xnnpack``.
    batch:
        Samples that one call computes.

    Raises
    ------
    ToolError
        It does not run the model.
    """

    def __init__(self, model: bytes, kernels: str, batch: int = 1) -> None:
        from ai_edge_litert import interpreter as litert

        with warnings.catch_warnings(), native_messages("ai-edge-litert"):
            # It announces its successor.
            warnings.simplefilter("ignore")
            self._interpreter = litert.Interpreter(
                model_content=model,
                num_threads=1,
                experimental_op_resolver_type=getattr(litert.OpResolverType, _RESOLVERS[kernels]),
            )
            self._inputs = self._interpreter.get_input_details()
            if batch > 1:
                for detail in self._inputs:
                    self._interpreter.resize_tensor_input(detail["index"], [batch, *detail["shape"][1:]])
            self._interpreter.allocate_tensors()
        self._outputs = RawModel(model).outputs
        #: Whether what was asked for computes something: XNNPACK may not be built in, or take none of the operators.
        self.takes_part = kernels != "xnnpack" or any(
            operator["op_name"] == "DELEGATE" for operator in self._interpreter._get_ops_details()
        )

    def run(self, *inputs: Array) -> list[Array]:
        """Every output, [N, *shape], for the inputs [N, *shape]."""
        found: list[list[Array]] = [[] for _ in self._outputs]
        with refusals("ai-edge-litert"):
            for sample in zip(*inputs, strict=True):
                for value, detail in zip(sample, self._inputs, strict=True):
                    self._interpreter.set_tensor(detail["index"], value.reshape(detail["shape"]))
                self._interpreter.invoke()
                for values, index in zip(found, self._outputs, strict=True):
                    values.append(self._interpreter.get_tensor(index)[0])
        return [np.stack(values) for values in found]

    def repeat(self, x: Array) -> Callable[[], Any]:
        """A call that computes the same samples ``x``, one batch, again and again."""
        self._interpreter.set_tensor(self._inputs[0]["index"], x)
        invoke: Callable[[], Any] = self._interpreter.invoke
        return invoke


@contextmanager
def refusals(program: str, log: Callable[[], str] = lambda: "") -> Iterator[None]:
    """Turn what a program raises into one ToolError that tells of it, after the first that ``log`` holds."""
    try:
        yield
    except (RuntimeError, ValueError, SystemError) as error:
        reasons = [line for text in (log(), str(error)) for line in _sentences(text.splitlines())[:1]]
        reason = "; ".join(reasons) or type(error).__name__
        raise ToolError(f"{program} does not run this model: {reason}") from None


@contextmanager
def native_messages(program: str) -> Iterator[None]:
    """`refusals`, with what the program's native code writes to stderr kept off it and told in the error."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as log:

        def written() -> str:
            log.seek(0)
            return log.read().decode("utf-8", errors="replace")

        before = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            with refusals(program, written):
                yield
        finally:
            os.dup2(before, 2)
            os.close(before)


def _sentences(lines: Sequence[str]) -> list[str]:
    """Lines that say something, without what every start of the program says."""
    return [text for line in lines if (text := line.strip()) and not text.startswith(("INFO", "WARNING"))]
