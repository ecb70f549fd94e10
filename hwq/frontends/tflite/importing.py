"""From the operators of a TFLite file to the layers of a graph, whatever its tensors hold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ModelError
from hwq.frontends.tflite.naming import Names, input_name, layer_name
from hwq.frontends.tflite.reading import T, TensorReader
from hwq.frontends.tflite.schema import RawModel, RawOperator, RawTensor, shortened
from hwq.frontends.tflite.shape_arithmetic import SHAPE_OPERATORS
from hwq.graph.layers import Layer


class GraphImporter(ABC, Generic[T]):
    """Converts operators one after the other; a subclass says what a tensor and what a layer is.

    Parameters
    ----------
    model:
        The file.
    """

    #: Kinds of operators that become layers.
    supported: ClassVar[tuple[str, ...]]

    def __init__(self, model: RawModel) -> None:
        self.model = model
        self.tensors: dict[int, T] = {}
        self.by_name: dict[str, T] = {}
        self.layers: list[Layer] = []
        self._names = Names()

    @abstractmethod
    def tensor(self, raw: RawTensor, name: str) -> T:
        """The graph's tensor, checked."""

    @abstractmethod
    def layer(self, operator: RawOperator, name: str) -> Layer:
        """The layer of a supported operator, checked; its output is among the tensors."""

    def constant(self, operator: RawOperator) -> NDArray[np.generic] | None:
        """The value of an operator that computes from constants only, ``None`` where it becomes a layer."""
        evaluate = SHAPE_OPERATORS.get(operator.kind)
        return None if evaluate is None else evaluate(TensorReader(self.model, operator, self.tensors, ""))

    def ends(self) -> tuple[RawTensor, RawTensor]:
        """The model's only input and output."""
        inputs, outputs = self.model.inputs, self.model.outputs
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelError(f"{len(inputs)} inputs and {len(outputs)} outputs; supported is one of each")
        return self.model.tensor(inputs[0]), self.model.tensor(outputs[0])

    def convert(self, start: RawTensor, end: RawTensor, operators: Sequence[RawOperator]) -> tuple[str, str]:
        """Convert ``operators`` between two tensors; returns the names of these."""
        if self.model.is_constant(start):
            raise ModelError(f"input {start} is a constant")
        self._add_tensor(start, self._names.unique(input_name(start.name)))
        for operator in operators:
            try:
                self._add(operator)
            except ModelError as error:
                raise ModelError(f"operator {operator.index} {operator.kind}{self._place(operator)}: {error}") from None
        if end.index not in self.tensors:
            raise ModelError(f"output {end} is never written")
        return self.tensors[start.index].name, self.tensors[end.index].name

    def _add_tensor(self, raw: RawTensor, name: str) -> None:
        self.tensors[raw.index] = self.by_name[name] = self.tensor(raw, name)

    def _add(self, operator: RawOperator) -> None:
        if operator.kind not in (*self.supported, *SHAPE_OPERATORS):
            raise ModelError(f"not supported; supported are {', '.join(self.supported)}")
        if len(operator.outputs) != 1:
            raise ModelError(f"{len(operator.outputs)} outputs; supported is one")
        output = self.model.tensor(operator.outputs[0])
        if output.index in self.tensors:
            raise ModelError(f"{output} is written a second time")
        if self.model.is_constant(output):
            raise ModelError(f"{output} is a constant and is written")
        value = self.constant(operator)
        if value is not None:
            self.model.set_constant(output, value)
            return
        constants = [self.model.tensor(index).name for index in operator.inputs[1:2] if index >= 0]
        name = self._names.unique(layer_name(operator.kind, [*constants, output.name]))
        if operator.inputs:
            self._require_written(TensorReader(self.model, operator, self.tensors, name))
        self._add_tensor(output, name)
        self.layers.append(self.layer(operator, name))

    def _require_written(self, read: TensorReader[T]) -> None:
        """Refuse an operator whose first input nobody has written, before its own output counts as written."""
        read.input(0)

    def _place(self, operator: RawOperator) -> str:
        if not operator.outputs or not 0 <= operator.outputs[0] < len(self.model.tensors):
            return ""
        return f" ({shortened(self.model.tensors[operator.outputs[0]].name)!r})"
