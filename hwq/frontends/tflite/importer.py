"""A TFLite file as a network."""

from __future__ import annotations

from pathlib import Path

from hwq.errors import ModelError
from hwq.frontends.tflite.importing import GraphImporter
from hwq.frontends.tflite.naming import identifier
from hwq.frontends.tflite.operators import CONVERTERS
from hwq.frontends.tflite.reading import OperatorReader, activation_tensor
from hwq.frontends.tflite.schema import RawModel, RawOperator, RawTensor
from hwq.graph.checks import check_layer, check_network, check_tensor
from hwq.graph.files import read_bytes
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor

#: What to do with a model that computes with real numbers.
_INTEGER_ONLY = (
    "supported are models quantized to int8 throughout: convert it with full integer quantization, or let hwq quantize "
    "make such a network of it"
)


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


class _Importer(GraphImporter[Tensor]):
    supported = tuple(CONVERTERS)

    def network(self, name: str) -> Network:
        start, end = self.ends()
        operators = list(self.model.operators)
        start, end = self._skip_quantize(start, operators), self._skip_dequantize(end, operators)
        input_, output = self.convert(start, end, operators)
        network = Network(name, self.by_name, tuple(self.layers), input_, output)
        check_network(network)
        return network

    def tensor(self, raw: RawTensor, name: str) -> Tensor:
        tensor = activation_tensor(raw, name)
        check_tensor(tensor)
        return tensor

    def layer(self, operator: RawOperator, name: str) -> Layer:
        layer = CONVERTERS[operator.kind](OperatorReader(self.model, operator, self.tensors, name))
        check_layer(layer, self.by_name)
        return layer

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
        return _same_shape(readers[0], start, self.model.tensor(readers[0].outputs[0]))

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
        return _same_shape(writers[0], end, self.model.tensor(writers[0].inputs[0]))


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
