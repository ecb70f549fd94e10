"""Every supported operator, with its parameters, from built files into layers."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hwq.frontends import load
from hwq.frontends.tflite import import_model
from hwq.graph.layers import (
    Activation,
    ActivationKind,
    Add,
    Concatenation,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Mean,
    Pad,
    Pool2D,
    PoolKind,
    Requantize,
    Reshape,
    Softmax,
)
from hwq.graph.network import Network
from hwq.numeric.formats import INT8, UINT8
from tests.support.tflite_builder import ModelBuilder, Q


def codes(*shape: int, seed: int = 1) -> NDArray[np.int8]:
    return np.random.default_rng(seed).integers(-127, 128, shape).astype(np.int8)


def biases(count: int, seed: int = 2) -> NDArray[np.int32]:
    return np.random.default_rng(seed).integers(-5000, 5000, count).astype(np.int32)


def imported(model: ModelBuilder, output: int) -> Network:
    return import_model(model.finish(output), "built")


@pytest.mark.parametrize(
    "stride, dilation, padding", list(itertools.product([(1, 1), (2, 3)], [(1, 1), (2, 1)], ["SAME", "VALID"]))
)
def test_conv_2d(stride: tuple[int, int], dilation: tuple[int, int], padding: str) -> None:
    model = ModelBuilder()
    x = model.input((1, 11, 9, 4), 0.05, -3)
    weights, bias, scales = codes(6, 3, 2, 4), biases(6), np.linspace(0.01, 0.02, 6).tolist()
    y = model.conv_2d(
        x, weights, bias, weight_scale=scales, output=Q(0.2, 4), stride=stride, dilation=dilation, padding=padding
    )
    network = imported(model, y)
    (layer,) = network.layers
    assert isinstance(layer, Conv2D)
    assert np.array_equal(layer.weights, weights) and np.array_equal(layer.bias, bias)
    assert np.array_equal(layer.weight_quantization.scale, np.asarray(scales, np.float32))
    assert layer.weight_quantization.axis == 0
    assert (layer.stride, layer.dilation, layer.groups, layer.clamp) == (stride, dilation, 1, (-128, 127))
    assert any(layer.padding) == (padding == "SAME")
    assert network.tensors[network.output].shape == model.shape(y)[1:]
    assert network.tensors[network.output].quantization.zero_point.tolist() == [4]


def test_grouped_conv_2d_without_bias() -> None:
    model = ModelBuilder()
    x = model.input((1, 5, 5, 6))
    y = model.conv_2d(x, codes(4, 3, 3, 3), None, weight_scale=0.01, output=Q(0.2))
    (layer,) = imported(model, y).layers
    assert isinstance(layer, Conv2D) and layer.groups == 2
    assert layer.bias.dtype == np.int32 and layer.bias.tolist() == [0] * 4
    assert layer.weight_quantization.axis is None


@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_conv_2d(multiplier: int) -> None:
    model = ModelBuilder()
    x = model.input((1, 7, 6, 4), 0.05, -3)
    weights = codes(1, 3, 2, 4 * multiplier)
    scales = np.linspace(0.01, 0.02, 4 * multiplier).tolist()
    y = model.depthwise_conv_2d(
        x, weights, biases(4 * multiplier), weight_scale=scales, output=Q(0.2), stride=(2, 1), dilation=(1, 2)
    )
    (layer,) = imported(model, y).layers
    assert isinstance(layer, DepthwiseConv2D) and layer.depth_multiplier == multiplier
    assert np.array_equal(layer.weights, weights[0]) and layer.weight_quantization.axis == 2
    assert (layer.stride, layer.dilation, layer.padding) == ((2, 1), (1, 2), (1, 1, 1, 1))


@pytest.mark.parametrize("scales, axis", [(0.01, None), ([0.01, 0.02, 0.03, 0.04, 0.05], 0)])
def test_fully_connected(scales: float | list[float], axis: int | None) -> None:
    model = ModelBuilder()
    x = model.input((1, 3, 2, 4))
    weights = codes(5, 24)
    y = model.fully_connected(x, weights, biases(5), weight_scale=scales, output=Q(0.2))
    network = imported(model, y)
    (layer,) = network.layers
    assert isinstance(layer, Dense) and np.array_equal(layer.weights, weights)
    assert layer.weight_quantization.axis == axis
    assert network.tensors[layer.output].shape == (5,)


def test_fully_connected_on_each_row() -> None:
    model = ModelBuilder()
    x = model.input((1, 3, 2, 4))
    y = model.fully_connected(x, codes(5, 4), None, weight_scale=0.01, output=Q(0.2), keep_num_dims=True)
    network = imported(model, y)
    assert isinstance(network.layers[0], Dense) and network.tensors[network.output].shape == (3, 2, 5)


@pytest.mark.parametrize(
    "activation, clamp",
    [("NONE", (-128, 127)), ("RELU", (-10, 127)), ("RELU6", (-10, 50)), ("RELU_N1_TO_1", (-20, 0))],
)
def test_fused_activations_clamp_output_codes(activation: str, clamp: tuple[int, int]) -> None:
    model = ModelBuilder()
    x = model.input((1, 4, 4, 2))
    y = model.conv_2d(x, codes(2, 1, 1, 2), None, weight_scale=0.01, output=Q(0.1, -10), activation=activation)
    y = model.depthwise_conv_2d(
        y, codes(1, 1, 1, 2), None, weight_scale=0.01, output=Q(0.1, -10), activation=activation
    )
    y = model.pool_2d("MAX_POOL_2D", y, (2, 2), activation=activation)
    y = model.add(y, y, output=Q(0.1, -10), activation=activation)
    y = model.fully_connected(y, codes(2, 18), None, weight_scale=0.01, output=Q(0.1, -10), activation=activation)
    network = imported(model, y)
    assert len(network.layers) == 5
    for layer in network.layers:
        assert isinstance(layer, (Conv2D, DepthwiseConv2D, Pool2D, Add, Dense)) and layer.clamp == clamp


@pytest.mark.parametrize("kind, expected", [("MAX_POOL_2D", PoolKind.MAX), ("AVERAGE_POOL_2D", PoolKind.AVERAGE)])
@pytest.mark.parametrize("padding, explicit", [("SAME", (0, 1, 1, 1)), ("VALID", (0, 0, 0, 0))])
def test_pool_2d(kind: str, expected: PoolKind, padding: str, explicit: tuple[int, ...]) -> None:
    model = ModelBuilder()
    x = model.input((1, 8, 7, 3), 0.1, 5)
    y = model.pool_2d(kind, x, (3, 3), stride=(2, 1), padding=padding)
    (layer,) = imported(model, y).layers
    assert isinstance(layer, Pool2D)
    assert (layer.kind, layer.kernel, layer.stride, layer.padding) == (expected, (3, 3), (2, 1), explicit)


def test_add_broadcasts_and_reads_one_tensor_twice() -> None:
    model = ModelBuilder()
    x = model.input((1, 4, 4, 3))
    mean = model.mean(x, [1, 2], output=Q(0.1, 7))
    y = model.add(x, mean, output=Q(0.3, 1))
    y = model.add(y, y, output=Q(0.3, 1))
    network = imported(model, y)
    assert network.layers[1].inputs == ("input_1", "mean") and network.tensors["add"].shape == (4, 4, 3)
    assert network.layers[2].inputs == ("add", "add")


@pytest.mark.parametrize(
    "axes, keep, expected", [([1, 2], False, (0, 1)), ([-1], True, (2,)), ([2, 1, 2], True, (0, 1))]
)
def test_mean(axes: list[int], keep: bool, expected: tuple[int, ...]) -> None:
    model = ModelBuilder()
    x = model.input((1, 4, 5, 3))
    y = model.mean(x, axes, output=Q(0.1, 7), keep_dims=keep)
    network = imported(model, y)
    (layer,) = network.layers
    assert isinstance(layer, Mean) and layer.axes == expected
    assert network.tensors[network.output].shape == model.shape(y)[1:]


@pytest.mark.parametrize("value", [None, 9])
def test_pad(value: int | None) -> None:
    model = ModelBuilder()
    x = model.input((1, 4, 5, 3), 0.1, -7)
    y = model.pad(x, [(0, 0), (1, 2), (0, 3), (4, 0)], value=value)
    (layer,) = imported(model, y).layers
    assert isinstance(layer, Pad) and layer.amounts == ((1, 2), (0, 3), (4, 0))
    assert layer.value == (-7 if value is None else value)


@pytest.mark.parametrize("axis, expected", [(-1, 2), (1, 0)])
def test_concatenation(axis: int, expected: int) -> None:
    model = ModelBuilder()
    x = model.input((1, 4, 5, 3))
    y = model.unary("RELU", x, output=model.quantization(x))
    z = model.concatenation([x, y, x], axis)
    network = imported(model, z)
    layer = network.layers[1]
    assert isinstance(layer, Concatenation) and layer.axis == expected
    assert layer.inputs == ("input_1", "relu", "input_1")
    assert network.tensors[layer.output].shape == model.shape(z)[1:]


@pytest.mark.parametrize("shape", [[1, -1], [1, 60], [1, 3, 20], [-1, 60]])
def test_reshape(shape: list[int]) -> None:
    model = ModelBuilder()
    x = model.input((1, 4, 5, 3))
    y = model.reshape(x, shape)
    network = imported(model, y)
    assert isinstance(network.layers[0], Reshape) and network.tensors[network.output].shape == model.shape(y)[1:]


def test_reshape_to_the_shape_in_its_options() -> None:
    model = ModelBuilder()
    x = model.input((1, 4, 5, 3))
    y = model.tensor((1, 60), model.quantization(x))
    model.operator("RESHAPE", [x], [y], ("ReshapeOptions", {"NewShape": [1, 60]}))
    network = imported(model, y)
    assert isinstance(network.layers[0], Reshape)


@pytest.mark.parametrize("element", [0, -4])
def test_flatten_with_an_open_batch(element: int) -> None:
    """The converter's own way to keep the batch: its size is read from the shape and packed with -1."""
    model = ModelBuilder()
    x = model.input((1, 4, 5, 3))
    shape = model.operator("SHAPE", [x], [model.tensor((4,), type="int32")], ("ShapeOptions", {"OutType": 2}))
    bounds = [model.constant(np.asarray([value], np.int32)) for value in (element, element + 1, 1)]
    options = ("StridedSliceOptions", {"ShrinkAxisMask": 1})
    batch = model.operator("STRIDED_SLICE", [shape, *bounds], [model.tensor((), type="int32")], options)
    rest = model.constant(np.asarray(-1, np.int32))
    pack = ("PackOptions", {"ValuesCount": 2})
    wanted = model.operator("PACK", [batch, rest], [model.tensor((2,), type="int32")], pack)
    y = model.tensor((1, 60), model.quantization(x))
    network = imported(model, model.operator("RESHAPE", [x, wanted], [y], ("ReshapeOptions", {})))
    assert [layer.op for layer in network.layers] == ["reshape"] and len(network.tensors) == 2
    assert network.tensors[network.output].shape == (60,)


def test_reshape_to_a_slice_of_a_shape() -> None:
    model = ModelBuilder()
    x = model.input((1, 4, 5, 3))
    flat = model.reshape(x, [1, 60])
    shape = model.operator("SHAPE", [x], [model.tensor((4,), type="int32")], ("ShapeOptions", {"OutType": 2}))
    bounds = [model.constant(np.asarray([value], np.int32)) for value in (9, -9, 1)]
    options = ("StridedSliceOptions", {"BeginMask": 1, "EndMask": 1})
    same = model.operator("STRIDED_SLICE", [shape, *bounds], [model.tensor((4,), type="int32")], options)
    y = model.tensor((1, 4, 5, 3), model.quantization(x))
    network = imported(model, model.operator("RESHAPE", [flat, same], [y], ("ReshapeOptions", {})))
    assert network.tensors[network.output].shape == (4, 5, 3)


def test_softmax() -> None:
    model = ModelBuilder()
    y = model.softmax(model.input((1, 10)), beta=0.5)
    (layer,) = imported(model, y).layers
    assert isinstance(layer, Softmax) and layer.beta == 0.5


@pytest.mark.parametrize(
    "operator, kind, output",
    [
        ("RELU", ActivationKind.RELU, Q(0.1, 3)),
        ("RELU6", ActivationKind.RELU6, Q(0.05)),
        ("RELU_N1_TO_1", ActivationKind.RELU_N1_TO_1, Q(0.05)),
        ("LOGISTIC", ActivationKind.LOGISTIC, Q(1 / 256, -128)),
        ("TANH", ActivationKind.TANH, Q(1 / 128)),
        ("HARD_SWISH", ActivationKind.HARD_SWISH, Q(0.07, -9)),
    ],
)
def test_activations(operator: str, kind: ActivationKind, output: Q) -> None:
    model = ModelBuilder()
    y = model.unary(operator, model.input((1, 3, 4)), output=output)
    (layer,) = imported(model, y).layers
    assert isinstance(layer, Activation) and layer.kind is kind


def test_leaky_relu() -> None:
    model = ModelBuilder()
    y = model.leaky_relu(model.input((1, 3)), 0.1, output=Q(0.1, 3))
    (layer,) = imported(model, y).layers
    assert isinstance(layer, Activation) and layer.kind is ActivationKind.LEAKY_RELU
    assert np.float32(layer.alpha) == np.float32(0.1)


def test_real_edges_disappear() -> None:
    """A float32 input that is quantized, and an output that is dequantized, leave the int8 tensors between."""
    model = ModelBuilder()
    x = model.input((1, 3), type="float32")
    q = model.unary("QUANTIZE", x, output=Q(0.1, 3), name="codes_in")
    y = model.unary("RELU", q, output=Q(0.2, 5))
    network = imported(model, model.unary("DEQUANTIZE", y, output=None, type="float32"))
    assert [layer.op for layer in network.layers] == ["activation"]
    assert network.input == "codes_in" and network.tensors[network.input].quantization.zero_point.tolist() == [3]
    assert network.output == "relu"


def test_uint8_edges_and_inner_quantize_become_requantize_layers() -> None:
    model = ModelBuilder()
    x = model.input((1, 3), 0.1, 131, type="uint8")
    y = model.unary("QUANTIZE", x, output=Q(0.1, 3))
    y = model.unary("QUANTIZE", y, output=Q(0.2, 5))
    network = imported(model, model.unary("QUANTIZE", y, output=Q(0.2, 133), type="uint8"))
    assert all(isinstance(layer, Requantize) for layer in network.layers) and len(network.layers) == 3
    assert network.tensors[network.input].quantization.format == UINT8
    assert network.tensors["quantize"].quantization.format == INT8
    assert network.tensors[network.output].quantization.format == UINT8


def test_names_are_identifiers_and_unique() -> None:
    model = ModelBuilder()
    x = model.input((1, 4), name="serving_default_x:0")
    y = model.fully_connected(
        x, codes(4, 4), None, weight_scale=0.1, output=Q(1.0), name="m/fc 1/MatMul;m/fc 1/BiasAdd"
    )
    y = model.fully_connected(y, codes(4, 4), None, weight_scale=0.1, output=Q(1.0), name="m/fc 1/MatMul1")
    y = model.fully_connected(y, codes(4, 4), None, weight_scale=0.1, output=Q(1.0), name="")
    network = imported(model, model.softmax(y, name="x/softmax/Softmax"))
    assert network.input == "x"
    assert [layer.name for layer in network.layers] == ["fc_1", "fc_1_1", "fully_connected", "softmax"]
    assert network.tensors["fc_1"].origin == "m/fc 1/MatMul;m/fc 1/BiasAdd"


def test_load_tells_formats_apart_by_content(tmp_path: Path) -> None:
    model = ModelBuilder()
    path = tmp_path / "2 odd name.bin"
    path.write_bytes(model.finish(model.softmax(model.input((1, 10)))))
    assert load(path).name == "network"
    path = path.rename(tmp_path / "odd name-2.bin")
    assert load(path).name == "odd_name_2"
