"""The official models, against the published figures and against the generated FlatBuffers classes."""

from __future__ import annotations

import numpy as np
import pytest
import tflite

from hwq.errors import ModelError
from hwq.frontends import load
from hwq.frontends.tflite import read_tflite
from hwq.frontends.tflite.schema import RawModel
from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, Layer
from hwq.graph.shapes import macs, peak_activation_bytes, weight_bytes
from tests.support.models import OFFICIAL, official_file, official_model

FIGURES = {
    "ad": (264_192, 264_192, 768),
    "ic": (12_501_632, 77_360, 49_152),
    "kws": (2_656_768, 22_016, 16_000),
    "vww": (7_489_664, 208_112, 55_296),
}

LAYERS = {
    "ad": ["dense", *[f"dense_{i}" for i in range(1, 10)]],
    "ic": [
        *["conv2d", "conv2d_1", "conv2d_2", "add", "conv2d_3", "conv2d_4", "conv2d_5", "add_1"],
        *["conv2d_6", "conv2d_7", "conv2d_8", "add_2", "average_pooling2d", "flatten", "dense", "softmax"],
    ],
    "kws": (
        ["conv2d"]
        + [f"{kind}_{i}" for i in range(1, 5) for kind in ("depthwise_conv2d", "conv2d")]
        + ["average_pooling2d", "flatten", "dense", "softmax"]
    ),
    "vww": (
        ["conv2d"]
        + [f"{kind}_{i}" for i in range(1, 14) for kind in ("depthwise_conv2d", "conv2d")]
        + ["average_pooling2d", "flatten", "dense", "softmax"]
    ),
}
# Keras gives the first depthwise layer no number, so they run one behind the convolutions.
for _model in ("kws", "vww"):
    for _index, _name in enumerate(LAYERS[_model]):
        if _name.startswith("depthwise"):
            _number = int(_name.rsplit("_", 1)[1]) - 1
            LAYERS[_model][_index] = f"depthwise_conv2d_{_number}" if _number else "depthwise_conv2d"


@pytest.mark.parametrize("name", OFFICIAL)
def test_published_figures(name: str) -> None:
    network = read_tflite(official_model(name))
    total_macs = sum(macs(network, layer) for layer in network.layers)
    total_weights = sum(weight_bytes(layer) for layer in network.layers)
    assert (total_macs, total_weights, peak_activation_bytes(network)) == FIGURES[name]


@pytest.mark.parametrize("name", OFFICIAL)
def test_layers_carry_the_names_of_the_keras_layers(name: str) -> None:
    network = load(official_model(name))
    assert [layer.name for layer in network.layers] == LAYERS[name]
    assert network.input == "input_1"
    assert network.name == official_model(name).stem


@pytest.mark.parametrize("name", OFFICIAL)
def test_raw_tables_equal_the_generated_classes(name: str) -> None:
    """Our bounds-checked reader sees what the generated classes see: every tensor, operator and constant."""
    data = official_model(name).read_bytes()
    ours, theirs = RawModel(data), tflite.Model.GetRootAsModel(data, 0)
    graph = theirs.Subgraphs(0)
    assert ours.inputs == tuple(graph.InputsAsNumpy()) and ours.outputs == tuple(graph.OutputsAsNumpy())
    assert len(ours.tensors) == graph.TensorsLength() and len(ours.operators) == graph.OperatorsLength()
    for tensor in ours.tensors:
        other = graph.Tensors(tensor.index)
        assert tensor.name == other.Name().decode()
        assert tensor.shape == tuple(other.ShapeAsNumpy())
        assert getattr(tflite.TensorType, tensor.type.upper()) == other.Type()
        quantization = other.Quantization()
        if tensor.quantization is not None:
            assert np.array_equal(tensor.quantization.scale, quantization.ScaleAsNumpy())
            assert np.array_equal(tensor.quantization.zero_point, quantization.ZeroPointAsNumpy())
            assert tensor.quantization.axis == quantization.QuantizedDimension()
        buffer = theirs.Buffers(other.Buffer())
        assert ours.is_constant(tensor) == (buffer.DataLength() > 0)
        if ours.is_constant(tensor):
            assert ours.constant(tensor).tobytes() == buffer.DataAsNumpy().tobytes()
    for operator in ours.operators:
        other = graph.Operators(operator.index)
        assert operator.inputs == tuple(other.InputsAsNumpy())
        assert operator.outputs == tuple(other.OutputsAsNumpy())
        code = theirs.OperatorCodes(other.OpcodeIndex())
        assert getattr(tflite.BuiltinOperator, operator.kind) == max(code.BuiltinCode(), code.DeprecatedBuiltinCode())


def _options(name: str) -> list[tuple[Layer, object]]:
    network = read_tflite(official_model(name))
    graph = tflite.Model.GetRootAsModel(official_model(name).read_bytes(), 0).Subgraphs(0)
    classes = {Conv2D: tflite.Conv2DOptions, DepthwiseConv2D: tflite.DepthwiseConv2DOptions}
    found = []
    for index, layer in enumerate(network.layers):
        if type(layer) in classes:
            options = classes[type(layer)]()
            table = graph.Operators(index).BuiltinOptions()
            options.Init(table.Bytes, table.Pos)
            found.append((layer, options))
    return found


@pytest.mark.parametrize("name", ["ic", "kws", "vww"])
def test_options_equal_the_generated_classes(name: str) -> None:
    pairs = _options(name)
    assert pairs
    for layer, options in pairs:
        assert isinstance(layer, (Conv2D, DepthwiseConv2D))
        assert layer.stride == (options.StrideH(), options.StrideW())
        assert layer.dilation == (options.DilationHFactor(), options.DilationWFactor())
        if isinstance(layer, DepthwiseConv2D):
            assert layer.depth_multiplier == options.DepthMultiplier()


def test_per_tensor_and_per_channel_weights() -> None:
    dense = read_tflite(official_model("ad")).layer("dense")
    assert isinstance(dense, Dense) and dense.weight_quantization.scale.shape == (1,)
    conv = read_tflite(official_model("kws")).layer("depthwise_conv2d")
    assert isinstance(conv, DepthwiseConv2D) and conv.weight_quantization.scale.shape == (64,)
    assert conv.weight_quantization.axis == 2 and conv.weights.shape == (3, 3, 64)


def test_asymmetric_same_padding() -> None:
    conv = read_tflite(official_model("vww")).layer("conv2d")
    assert isinstance(conv, Conv2D) and conv.padding == (0, 1, 0, 1)
    conv = read_tflite(official_model("kws")).layer("conv2d")
    assert isinstance(conv, Conv2D) and conv.padding == (4, 5, 1, 1)


@pytest.mark.parametrize(
    "file", ["ad01_fp32.tflite", "kws_ref_model_float32.tflite", "pretrainedResnet.tflite", "vww_96_float.tflite"]
)
def test_float_models_are_refused(file: str) -> None:
    with pytest.raises(
        ModelError, match=rf"{file}: input tensor \d+ '.*' is float32 and goes into .* full integer quantization"
    ):
        load(official_file(file))
