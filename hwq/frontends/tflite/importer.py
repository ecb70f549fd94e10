"""A TFLite file as a network."""

from __future__ import annotations

from pathlib import Path

from hwq.errors import ModelError
from hwq.frontends.tflite.naming import Names, identifier, input_name, layer_name
from hwq.frontends.tflite.operators import CONVERTERS
from hwq.frontends.tflite.reading import OperatorReader, activation_tensor
from hwq.frontends.tflite.schema import RawModel, RawOperator, RawTensor, shortened
from hwq.frontends.tflite.shape_arithmetic import SHAPE_OPERATORS
from hwq.graph.checks import check_layer, check_network, check_tensor
from hwq.graph.files import read_bytes
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor

#: What to do with a model that computes with real numbers.
_INTEGER_ONLY = "supported are models quantized to int8 throughout: convert it with full integer quantization"


def import_model(data: bytes, stem: str) -> Network:
    """The network in the bytes of a ``.tflite`` file.

    Parameters
    ----------
    data:
        The whole file.
    stem:
        What to name the network after.

    Raises
    ------
    ModelError
        The file is damaged or holds something unsupported; the message names operator, tensor and reason.
    """
    return _Importer(RawModel(data)).network(identifier(stem, "network"))


class _Importer:
    def __init__(self, model: RawModel) -> None:
        self._model = model
        self._tensors: dict[int, Tensor] = {}
        self._by_name: dict[str, Tensor] = {}
        self._layers: list[Layer] = []
        self._names = Names()

    def network(self, name: str) -> Network:
        if len(self._model.inputs) != 1 or len(self._model.outputs) != 1:
            raise ModelError(
                f"{len(self._model.inputs)} inputs and {len(self._model.outputs)} outputs; supported is one of each"
            )
        operators = list(self._model.operators)
        start = self._skip_quantize(self._model.tensor(self._model.inputs[0]), operators)
        end = self._skip_dequantize(self._model.tensor(self._model.outputs[0]), operators)
        if self._model.is_constant(start):
            raise ModelError(f"input {start} is a constant")
        self._add_tensor(start, self._names.unique(input_name(start.name)))
        for operator in operators:
            try:
                self._add_layer(operator)
            except ModelError as error:
                raise ModelError(f"operator {operator.index} {operator.kind}{self._place(operator)}: {error}") from None
        if end.index not in self._tensors:
            raise ModelError(f"output {end} is never written")
        input_, output = self._tensors[start.index].name, self._tensors[end.index].name
        network = Network(name, self._by_name, tuple(self._layers), input_, output)
        check_network(network)
        return network

    def _skip_quantize(self, start: RawTensor, operators: list[RawOperator]) -> RawTensor:
        """Where real numbers enter through one QUANTIZE, drop it: the network takes its output."""
        if start.type != "float32":
            return start
        readers = [operator for operator in operators if start.index in operator.inputs]
        if len(readers) != 1 or readers[0].kind != "QUANTIZE" or len(readers[0].outputs) != 1:
            raise ModelError(
                f"input {start} is float32 and goes into {_kinds(readers)}; {_INTEGER_ONLY} (a float32 input is "
                "supported where one QUANTIZE and nothing else reads it)"
            )
        operators.remove(readers[0])
        return _same_shape(readers[0], start, self._model.tensor(readers[0].outputs[0]))

    def _skip_dequantize(self, end: RawTensor, operators: list[RawOperator]) -> RawTensor:
        """Where real numbers leave through a DEQUANTIZE, drop it: the network gives its input."""
        if end.type != "float32":
            return end
        writers = [operator for operator in operators if end.index in operator.outputs]
        readers = [operator for operator in operators if end.index in operator.inputs]
        if len(writers) != 1 or readers or writers[0].kind != "DEQUANTIZE" or len(writers[0].inputs) != 1:
            used = f", goes into {_kinds(readers)}" if readers else ""
            raise ModelError(
                f"output {end} is float32{used} and comes from {_kinds(writers)}; {_INTEGER_ONLY} (a float32 output is "
                "supported where one DEQUANTIZE writes it and nothing reads it)"
            )
        operators.remove(writers[0])
        return _same_shape(writers[0], end, self._model.tensor(writers[0].inputs[0]))

    def _add_tensor(self, raw: RawTensor, name: str) -> None:
        tensor = activation_tensor(raw, name)
        check_tensor(tensor)
        self._tensors[raw.index] = tensor
        self._by_name[name] = tensor

    def _add_layer(self, operator: RawOperator) -> None:
        convert, evaluate = CONVERTERS.get(operator.kind), SHAPE_OPERATORS.get(operator.kind)
        if convert is None and evaluate is None:
            raise ModelError(f"not supported; supported are {', '.join(CONVERTERS)}")
        if len(operator.outputs) != 1:
            raise ModelError(f"{len(operator.outputs)} outputs; supported is one")
        output = self._model.tensor(operator.outputs[0])
        if output.index in self._tensors:
            raise ModelError(f"{output} is written a second time")
        if self._model.is_constant(output):
            raise ModelError(f"{output} is a constant and is written")
        if evaluate is not None:
            self._model.set_constant(output, evaluate(OperatorReader(self._model, operator, self._tensors, "")))
            return
        assert convert is not None
        weights = [self._model.tensor(index).name for index in operator.inputs[1:2] if index >= 0]
        name = self._names.unique(layer_name(operator.kind, [*weights, output.name]))
        reader = OperatorReader(self._model, operator, self._tensors, name)
        if operator.inputs:
            reader.input(0)
        self._add_tensor(output, name)
        layer = convert(reader)
        check_layer(layer, self._by_name)
        self._layers.append(layer)

    def _place(self, operator: RawOperator) -> str:
        if not operator.outputs or not 0 <= operator.outputs[0] < len(self._model.tensors):
            return ""
        return f" ({shortened(self._model.tensors[operator.outputs[0]].name)!r})"


def _kinds(operators: list[RawOperator]) -> str:
    """The operators' kinds for a message."""
    return " and ".join(dict.fromkeys(operator.kind for operator in operators)) or "no operator"


def _same_shape(operator: RawOperator, real: RawTensor, codes: RawTensor) -> RawTensor:
    """``codes``, which an operator that is dropped must hold in the shape of their real numbers."""
    if real.shape != codes.shape:
        raise ModelError(
            f"operator {operator.index} {operator.kind}: {real} has shape {list(real.shape)} and {codes} has shape "
            f"{list(codes.shape)}; they must be equal"
        )
    return codes


def read_tflite(path: str | Path) -> Network:
    """Read an int8 ``.tflite`` file.

    Parameters
    ----------
    path:
        The file; the network is named after it.

    Raises
    ------
    ModelError
        The file cannot be read, is damaged, or holds something unsupported: the message names the file, the operator,
        the tensor and the reason.
    """
    path = Path(path)
    data = read_bytes(path)
    try:
        return import_model(data, path.stem)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
