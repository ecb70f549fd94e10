"""A TFLite file of real numbers as a float network."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ModelError
from hwq.floating.checks import check_float_layer, check_float_network, check_float_tensor
from hwq.floating.network import FloatNetwork, FloatTensor
from hwq.frontends.tflite.float_operators import FLOAT_CONVERTERS
from hwq.frontends.tflite.float_reading import FloatReader, float_tensor
from hwq.frontends.tflite.importing import GraphImporter
from hwq.frontends.tflite.naming import identifier
from hwq.frontends.tflite.reading import TensorReader
from hwq.frontends.tflite.schema import RawModel, RawOperator, RawTensor
from hwq.frontends.tflite.shape_arithmetic import SHAPE_OPERATORS
from hwq.graph.layers import Layer

#: Most kinds of operators that a message lists.
_MOST_LISTED = 12


def import_float_model(data: bytes, stem: str) -> FloatNetwork:
    """The float network in the bytes of a ``.tflite`` file.

    Weights may be float32, float16, or int8 and uint8 with scales (as dynamic-range quantization leaves them), which
    are read as the real numbers they stand for.

    Parameters
    ----------
    data:
        The whole file.
    stem:
        What to name the network after.

    Raises
    ------
    ModelError
        The file is damaged, is quantized, or holds something unsupported: operators are listed all at once.
    """
    return _FloatImporter(RawModel(data)).network(identifier(stem, "network"))


class _FloatImporter(GraphImporter[FloatTensor]):
    supported = (*FLOAT_CONVERTERS, "DEQUANTIZE")

    def network(self, name: str) -> FloatNetwork:
        start, end = self.ends()
        for what, raw in (("input", start), ("output", end)):
            if raw.type != "float32":
                quantized = "; a quantized model is complete as it is" * (raw.type in ("int8", "uint8"))
                raise ModelError(f"{what} {raw} is {raw.type}; needed is a model of real numbers, float32{quantized}")
        self._require_supported()
        input_, output = self.convert(start, end, self.model.operators)
        network = FloatNetwork(name, self.by_name, tuple(self.layers), input_, output)
        check_float_network(network)
        return network

    def _require_supported(self) -> None:
        """Refuse every operator that is not supported in one message."""
        known = (*self.supported, *SHAPE_OPERATORS)
        kinds = Counter(operator.kind for operator in self.model.operators if operator.kind not in known)
        if not kinds:
            return
        listed = [f"{kind} ({count})" if count > 1 else kind for kind, count in sorted(kinds.items())]
        more = f" and {len(listed) - _MOST_LISTED} more" if len(listed) > _MOST_LISTED else ""
        already = "; QUANTIZE says that it is quantized already" * ("QUANTIZE" in kinds)
        raise ModelError(
            f"operators that are not supported: {', '.join(listed[:_MOST_LISTED])}{more}{already}; "
            f"supported are {', '.join(self.supported)}"
        )

    def tensor(self, raw: RawTensor, name: str) -> FloatTensor:
        tensor = float_tensor(raw, name)
        check_float_tensor(tensor)
        return tensor

    def layer(self, operator: RawOperator, name: str) -> Layer:
        layer = FLOAT_CONVERTERS[operator.kind](FloatReader(self.model, operator, self.tensors, name))
        check_float_layer(layer, self.by_name)
        return layer

    def constant(self, operator: RawOperator) -> NDArray[np.generic] | None:
        if operator.kind != "DEQUANTIZE":
            return super().constant(operator)
        read = FloatReader(self.model, operator, self.tensors, "")
        read.expect(None, inputs=(1,))
        if not read.is_constant(0):
            raise ModelError("its input is computed: the model is quantized in part; supported are weights in codes")
        return read.reals(0)

    def _require_written(self, read: TensorReader[FloatTensor]) -> None:
        # A constant may come first: 1 - x. Whether it may is for the converter to say.
        if not read.is_constant(0):
            read.input(0)
