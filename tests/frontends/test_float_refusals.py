"""Models of real numbers that are refused, each with its reason; unsupported operators all at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwq.errors import ModelError
from hwq.frontends import load_float
from hwq.frontends.tflite import import_float_model
from hwq.graph.files import save_network
from tests.graph.networks import network_of_every_layer
from tests.support.float_builder import FloatModelBuilder
from tests.support.models import official_model
from tests.support.tflite_builder import Q

ONES = np.ones((2, 1, 1, 3), np.float32)


def _unsupported(model: FloatModelBuilder, x: int) -> int:
    y = model.unary("EXP", model.unary("EXP", x, output=None), output=None)
    return model.operator("CUSTOM", [y], [model.tensor((1, 4, 4, 3))], custom_code="Mine")


def _quantize(model: FloatModelBuilder, x: int) -> int:
    return model.unary("DEQUANTIZE", model.unary("QUANTIZE", x, output=None), output=None)


def _weights_without_scale(model: FloatModelBuilder, x: int) -> int:
    return model.conv(x, ONES.astype(np.int8), None)


def _scales_along_no_axis(model: FloatModelBuilder, x: int) -> int:
    weights = model.constant(ONES.astype(np.int8), Q([1.0, 2.0, 3.0], 0, 0))
    return model.operator(
        "CONV_2D", [x, weights, -1], [model.tensor((1, 4, 4, 2))], ("Conv2DOptions", {"StrideH": 1, "StrideW": 1})
    )


def _biases(model: FloatModelBuilder, x: int) -> int:
    return model.conv(x, ONES, np.ones(3, np.float32))


def _infinite(model: FloatModelBuilder, x: int) -> int:
    return model.conv(x, ONES * np.float32(np.inf), None)


def _product(model: FloatModelBuilder, x: int) -> int:
    return model.arithmetic("MUL", x, model.unary("RELU", x, output=None))


def _by_row(model: FloatModelBuilder, x: int) -> int:
    return model.arithmetic("MUL", x, model.constant(np.ones((1, 4, 1, 1), np.float32)))


def _wrong_channels(model: FloatModelBuilder, x: int) -> int:
    y = model.unary("RELU", x, output=None)
    return model.operator(
        "MUL", [y, model.constant(np.ones(2, np.float32))], [model.tensor((1, 4, 4, 3))], ("MulOptions", {})
    )


def _quotient(model: FloatModelBuilder, x: int) -> int:
    return model.arithmetic("DIV", model.constant(np.ones(3, np.float32)), x)


def _by_zero(model: FloatModelBuilder, x: int) -> int:
    return model.arithmetic("DIV", x, model.constant(np.zeros(3, np.float32)))


def _dequantized_activation(model: FloatModelBuilder, x: int) -> int:
    return model.unary("DEQUANTIZE", x, output=None)


def _wrong_shape(model: FloatModelBuilder, x: int) -> int:
    return model.operator("RELU", [x], [model.tensor((1, 4, 4, 2))])


CASES: dict[str, tuple[Callable[[FloatModelBuilder, int], int], str]] = {
    "unsupported operators": (
        _unsupported,
        r"operators that are not supported: CUSTOM 'Mine', EXP \(2\); supported are ADD,",
    ),
    "quantized activations": (_quantize, "not supported: QUANTIZE; QUANTIZE says that it is quantized already"),
    "codes without a scale": (
        _weights_without_scale,
        r"operator 0 CONV_2D .*: constant tensor 1 .* is int8 without a scale",
    ),
    "scales along no axis": (_scales_along_no_axis, r"has 3 scales along axis 0 of \[2, 1, 1, 3\]"),
    "biases": (_biases, "3 biases tensor 2 .* for 2 output channels"),
    "infinite weights": (_infinite, "weights hold inf; needed are finite numbers"),
    "product of two tensors": (_product, "operator 1 MUL .*: both of its inputs are computed"),
    "a factor for each row": (
        _by_row,
        r"its constant has shape \[1, 4, 1, 1\]; supported is one value for each channel",
    ),
    "channels": (_wrong_channels, "its constant has 2 values for 3 channels"),
    "constant by tensor": (_quotient, "divides a constant by a tensor"),
    "division by zero": (_by_zero, "factors hold inf; needed are finite numbers"),
    "codes in the middle": (
        _dequantized_activation,
        "operator 0 DEQUANTIZE .*: its input is computed: the model is quantized in part",
    ),
    "shape": (_wrong_shape, r"the output has shape \[4, 4, 2\], but \[4, 4, 3\] follows"),
}


@pytest.mark.parametrize("case", CASES)
def test_refusal(case: str) -> None:
    build, message = CASES[case]
    model = FloatModelBuilder()
    with pytest.raises(ModelError, match=message):
        import_float_model(model.finish(build(model, model.image((1, 4, 4, 3)))), "refused")


def test_a_quantized_model_is_no_float_model() -> None:
    with pytest.raises(ModelError, match=r"kws_ref_model.tflite: input .* is int8; needed is a model of real numbers"):
        load_float(official_model("kws"))


def test_other_files(tmp_path: Path) -> None:
    save_network(network_of_every_layer(), tmp_path / "own.hwq")
    with pytest.raises(ModelError, match=r"own\.hwq: a network saved by hwq is quantized already"):
        load_float(tmp_path / "own.hwq")
    (tmp_path / "text.tflite").write_text("text")
    with pytest.raises(
        ModelError, match="no TFLite model, the format of real numbers that is supported: it looks like text"
    ):
        load_float(tmp_path / "text.tflite")
