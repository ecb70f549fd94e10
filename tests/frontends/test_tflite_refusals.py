"""What is not supported is refused, and the message names operator, tensor and reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hwq.errors import ModelError
from hwq.frontends import load
from hwq.frontends.tflite import import_model, read_tflite
from hwq.graph import files
from tests.support import tflite_builder
from tests.support.tflite_builder import ModelBuilder, Q

Build = Callable[[ModelBuilder], int]

IMAGE = (1, 6, 6, 4)


def codes(*shape: int) -> NDArray[np.int8]:
    return np.random.default_rng(3).integers(-127, 128, shape).astype(np.int8)


def zeros(count: int) -> NDArray[np.int32]:
    return np.zeros(count, np.int32)


def conv(model: ModelBuilder, x: int, **changes: object) -> int:
    settings: dict[str, object] = {"weight_scale": 0.01, "output": Q(0.2)} | changes
    return model.conv_2d(x, codes(4, 3, 3, 4), zeros(4), **settings)  # type: ignore[arg-type]


def edited_conv(**fields: object) -> Build:
    """A convolution whose options, output tensor or constants are edited after it is built."""

    def build(model: ModelBuilder) -> int:
        y = conv(model, model.input(IMAGE))
        for key, value in fields.items():
            if key[0].isupper():
                options = model.operators[0].options
                assert options is not None
                options[1][key] = value
            else:
                where, attribute = key.split("_", 1)
                index = {"input": 0, "weights": 1, "bias": 2, "output": 3}[where]
                setattr(model.tensors[index], attribute, value)
        return y

    return build


def with_tensor(use: Callable[[ModelBuilder, int, int], int], *arguments: object, **keywords: object) -> Build:
    """A model that uses an image input and one more tensor, made from the arguments."""

    def build(model: ModelBuilder) -> int:
        x = model.input(IMAGE)
        return use(model, x, model.tensor(*arguments, **keywords))  # type: ignore[arg-type]

    return build


def with_input(use: Callable[[ModelBuilder, int], int], shape: tuple[int, ...] = IMAGE, **keywords: object) -> Build:
    return lambda model: use(model, model.input(shape, **keywords))  # type: ignore[arg-type]


def raw(kind: str, options: tuple[str, dict[str, object]] | None = None, output: Q = Q(0.05)) -> Build:  # noqa: B008
    return with_input(lambda m, x: m.operator(kind, [x], [m.tensor(IMAGE, output)], options))


def concatenate_with_activation(model: ModelBuilder, x: int) -> int:
    return model.concatenation([x, x], 3, activation="RELU")


def write_twice(model: ModelBuilder, x: int) -> int:
    y = model.unary("RELU", x, output=Q(0.1))
    return model.operator("RELU", [x], [y])


def mean_of_batch(model: ModelBuilder, x: int) -> int:
    return model.operator(
        "MEAN", [x, model.constant(np.asarray([0], np.int32))], [model.tensor((1, 4), Q(0.1))], ("ReducerOptions", {})
    )


def pad_with(value: NDArray[np.generic], quantization: Q | None) -> Build:
    def build(model: ModelBuilder) -> int:
        x = model.input(IMAGE)
        amounts = model.constant(np.zeros((4, 2), np.int32))
        y = model.tensor(IMAGE, model.quantization(x))
        return model.operator("PADV2", [x, amounts, model.constant(value, quantization)], [y])

    return build


def dense(model: ModelBuilder, x: int, **fields: object) -> int:
    y = model.fully_connected(x, codes(4, 144), zeros(4), weight_scale=0.01, output=Q(0.2))
    options = model.operators[-1].options
    assert options is not None
    options[1].update(fields)
    return y


def computed_axes(model: ModelBuilder, x: int) -> int:
    axes = model.tensor((1,), None, "int32")
    return model.operator("MEAN", [x, axes], [model.tensor((1, 6, 4), Q(0.1))], ("ReducerOptions", {}))


def reshape_to(*sizes: int) -> Build:
    def build(model: ModelBuilder) -> int:
        x = model.input(IMAGE)
        y = model.tensor((1, 144), model.quantization(x))
        return model.operator("RESHAPE", [x, model.constant(np.asarray(sizes, np.int32))], [y])

    return build


def sliced(begin: int, stride: int, shape: tuple[int, ...] = (), **options: int) -> Build:
    """A slice of the input's shape, which nothing reads."""

    def build(model: ModelBuilder) -> int:
        x = model.input(IMAGE)
        sizes = model.operator("SHAPE", [x], [model.tensor((4,), type="int32")], ("ShapeOptions", {}))
        bounds = [model.constant(np.asarray([value], np.int32)) for value in (begin, begin + 1, stride)]
        fields: dict[str, object] = {"ShrinkAxisMask": 1} | options
        y = model.tensor(shape, type="int32")
        model.operator("STRIDED_SLICE", [sizes, *bounds], [y], ("StridedSliceOptions", fields))
        return model.unary("RELU", x, output=Q(0.1))

    return build


SAME_SCALE = Q(0.05)
CONV = r"operator 0 CONV_2D \('tensor_3'\): "

REFUSALS: dict[str, tuple[Build, str]] = {
    "operator": (raw("SVDF"), r"operator 0 SVDF \('tensor_1'\): not supported; supported are ADD, .*, TANH"),
    "operator with a late code": (raw("GELU"), r"operator 0 GELU .*: not supported"),
    "custom operator": (
        with_input(lambda m, x: m.operator("CUSTOM", [x], [m.tensor(IMAGE, Q(0.1))], None, "Mine")),
        r"operator 0 CUSTOM 'Mine' \('tensor_1'\): not supported",
    ),
    "several inputs": (
        lambda m: m.add(m.input(IMAGE), m.input(IMAGE), output=Q(0.1)),
        "2 inputs and 1 outputs; supported is one of each",
    ),
    "int16": (
        with_input(lambda m, x: m.unary("RELU", x, output=Q(0.1), type="int16"), type="int16"),
        r"tensor 0 'input_1' is int16; supported are int8 activations \(a fully integer-quantized model\)",
    ),
    "int4": (
        with_input(lambda m, x: m.unary("RELU", x, output=Q(0.1), type="int4")),
        r"operator 0 RELU \('tensor_1'\): tensor 1 'tensor_1' is int4; supported are int8 activations",
    ),
    "batch": (
        with_input(lambda m, x: m.unary("RELU", x, output=Q(0.1)), shape=(2, 6, 6, 4)),
        r"tensor 0 'input_1' has shape \[2, 6, 6, 4\]; supported is batch 1",
    ),
    "scalar": (
        with_input(lambda m, x: m.unary("RELU", x, output=Q(0.1)), shape=()),
        r"tensor 0 'input_1' has shape \[\]; supported is batch 1",
    ),
    "nine dimensions": (
        with_input(lambda m, x: m.unary("RELU", x, output=Q(0.1)), shape=(1,) * 9),
        "tensor 0 'input_1' has 9 dimensions; supported are 8",
    ),
    "open batch": (
        with_input(lambda m, x: m.unary("RELU", x, output=Q(0.1)), shape=(-1, 6, 6, 4)),
        r"tensor 0 'input_1' has shape \[-1, 6, 6, 4\]; supported is batch 1",
    ),
    "open size": (
        with_input(lambda m, x: m.unary("RELU", x, output=Q(0.1)), shape=(1, -1, 6, 4)),
        r"tensor 'input_1': shape \[-1, 6, 4\] has sizes below 1",
    ),
    "open output size": (
        edited_conv(output_shape=(1, 6, -1, 4)),
        CONV + r"tensor 'conv_2d': shape \[6, -1, 4\] has sizes below 1",
    ),
    "uint8 weights": (edited_conv(weights_type="uint8"), CONV + "weights tensor 1 'tensor_1' are uint8; supported are"),
    "packed 4-bit weights": (edited_conv(weights_type="int4"), CONV + "weights tensor 1 'tensor_1' are int4"),
    "empty tensor": (
        with_input(lambda m, x: m.unary("RELU", x, output=Q(0.1)), shape=(1, 0, 4)),
        r"tensor 'input_1': shape \[0, 4\] has sizes below 1",
    ),
    "huge tensor": (
        with_input(lambda m, x: m.unary("RELU", x, output=Q(0.1)), shape=(1, 1 << 20, 1 << 20)),
        "tensor 'input_1': 1099511627776 elements; supported are at most 67108864",
    ),
    "float input that is computed with": (
        with_input(lambda m, x: m.unary("RELU", x, output=None, type="float32"), type="float32"),
        (
            r"input tensor 0 'input_1' is float32 and goes into RELU; supported are models quantized to int8 "
            r"throughout: convert it .* or let hwq quantize make such a network of it \(a float32 input is supported "
            r"where one QUANTIZE and nothing else reads it\)$"
        ),
    ),
    "float input that is quantized twice": (
        with_input(
            lambda m, x: m.add(
                m.unary("QUANTIZE", x, output=Q(0.1)), m.unary("QUANTIZE", x, output=Q(0.2)), output=Q(0.1)
            ),
            type="float32",
        ),
        "input tensor 0 'input_1' is float32 and goes into QUANTIZE; supported are .* where one QUANTIZE",
    ),
    "float input of another shape than its codes": (
        with_input(
            lambda m, x: m.operator("QUANTIZE", [x], [m.tensor((1, 6, 4, 6), Q(0.1))]),
            type="float32",
        ),
        (
            r"operator 0 QUANTIZE: tensor 0 'input_1' has shape \[1, 6, 6, 4\] and tensor 1 'tensor_1' has shape "
            r"\[1, 6, 4, 6\]; they must be equal"
        ),
    ),
    "float output of another shape than its codes": (
        with_input(
            lambda m, x: m.operator(
                "DEQUANTIZE", [m.unary("RELU", x, output=Q(0.1))], [m.tensor((1, 144), None, "float32")]
            )
        ),
        (
            r"operator 1 DEQUANTIZE: tensor 2 'tensor_2' has shape \[1, 144\] and tensor 1 'tensor_1' has shape "
            r"\[1, 6, 6, 4\]; they must be equal"
        ),
    ),
    "float output that is computed": (
        with_input(lambda m, x: m.unary("RELU", x, output=None, type="float32")),
        r"output tensor 1 'tensor_1' is float32 and comes from RELU; .* where one DEQUANTIZE writes it",
    ),
    "float in the middle": (
        with_input(
            lambda m, x: m.unary("QUANTIZE", m.unary("DEQUANTIZE", x, output=None, type="float32"), output=Q(0.1))
        ),
        r"operator 0 DEQUANTIZE \('tensor_1'\): not supported",
    ),
    "hybrid": (
        with_input(
            lambda m, x: m.operator(
                "FULLY_CONNECTED",
                [x, m.constant(codes(4, 144), Q(0.01))],
                [m.tensor((1, 4), None, "float32")],
                ("FullyConnectedOptions", {}),
            ),
            type="float32",
        ),
        "input tensor 0 'input_1' is float32 and goes into FULLY_CONNECTED; supported are",
    ),
    "state": (edited_conv(output_is_variable=True), CONV + "tensor 3 'tensor_3' keeps its value between inferences"),
    "activation without scale": (edited_conv(output_quantization=None), CONV + "tensor 3 .* is int8 without a scale"),
    "activation with two scales": (
        edited_conv(output_quantization=Q([0.1, 0.2])),
        CONV + "tensor 3 'tensor_3' has 2 scales; supported are activations with one",
    ),
    "zero scale": (edited_conv(output_quantization=Q(0.0)), CONV + "tensor 'conv_2d': scale 0.0 is not positive"),
    "negative scale": (
        edited_conv(weights_quantization=Q(-1.0), bias_quantization=None),
        CONV + ".*weights: scale -1.0 is not",
    ),
    "scale of infinity": (edited_conv(input_quantization=Q(np.inf)), "tensor 'input_1': scale inf is not positive"),
    "scale of NaN": (edited_conv(output_quantization=Q(np.nan)), CONV + "tensor 'conv_2d': scale nan is not positive"),
    "zero-point out of range": (
        edited_conv(output_quantization=Q(0.1, 128)),
        CONV + "tensor 3 'tensor_3' has a zero-point outside -128..127",
    ),
    "zero-points that are not one a scale": (
        edited_conv(output_quantization=Q(0.1, [1, 2])),
        CONV + "tensor 3 'tensor_3' has 1 scales and 2 zero-points",
    ),
    "asymmetric weights": (
        edited_conv(weights_quantization=Q(0.01, 3)),
        CONV + "weights tensor 1 'tensor_1' have a zero-point other than 0; supported are symmetric weights",
    ),
    "weights without scale": (
        edited_conv(weights_quantization=None),
        CONV + "weights tensor 1 'tensor_1' have no scale",
    ),
    "weight scales on another axis": (
        edited_conv(weights_quantization=Q([0.01] * 4, 0, 3)),
        CONV + "weights tensor 1 'tensor_1' have 4 scales along axis 3; supported are one, or 4 along axis 0",
    ),
    "weight scales for half the channels": (
        edited_conv(weights_quantization=Q([0.01] * 2)),
        CONV + "weights tensor 1 'tensor_1' have 2 scales along axis 0; supported are one, or 4 along axis 0",
    ),
    "int4 weights": (
        edited_conv(weights_type="int4"),
        CONV + "weights tensor 1 'tensor_1' are int4; supported are int8",
    ),
    "float weights": (edited_conv(weights_type="float32"), CONV + "weights tensor 1 'tensor_1' are float32; .* int8"),
    "sparse weights": (edited_conv(weights_is_sparse=True), CONV + "tensor 1 'tensor_1' is stored sparse"),
    "computed weights": (edited_conv(weights_buffer=0), CONV + "tensor 1 'tensor_1' is computed by the model"),
    "weights in a missing buffer": (edited_conv(weights_buffer=99), CONV + "tensor 1 .* refers to buffer 99 of 3"),
    "weights of another size": (
        edited_conv(weights_shape=(4, 3, 3, 5)),
        CONV + r"tensor 1 'tensor_1' has shape \[4, 3, 3, 5\], but its buffer holds 144 elements",
    ),
    "weights of rank 3": (
        edited_conv(weights_shape=(4, 9, 4)),
        CONV + r"weights tensor 1 'tensor_1' have shape \[4, 9, 4\]; needed are 4 dimensions",
    ),
    "groups that do not divide": (
        edited_conv(weights_shape=(4, 4, 3, 3)),
        CONV + "4 input channels are not a multiple of the weights' 3",
    ),
    "int64 bias": (edited_conv(bias_type="int64"), CONV + "biases tensor 2 'tensor_2' are int64; supported are int32"),
    "bias of another length": (
        with_input(lambda m, x: m.conv_2d(x, codes(4, 3, 3, 4), zeros(3), weight_scale=0.01, output=Q(0.2))),
        r"operator 0 CONV_2D \('tensor_3'\): 3 biases tensor 2 'tensor_2' for 4 output channels",
    ),
    "bias scale": (
        edited_conv(bias_quantization=Q(0.01)),
        CONV + "biases tensor 2 'tensor_2' have scale 0.01, which is not input scale times weight scale",
    ),
    "bias zero-point": (edited_conv(bias_quantization=Q(0.0005, 1)), CONV + "biases tensor 2 .* a zero-point other"),
    "bias scales": (
        edited_conv(bias_quantization=Q([0.0005] * 3)),
        CONV + "biases tensor 2 'tensor_2' have 3 scales for 4 output channels",
    ),
    "fused TANH": (edited_conv(FusedActivationFunction=4), CONV + "fused activation 4; supported are NONE, RELU"),
    "padding scheme": (edited_conv(Padding=2), CONV + "padding scheme 2; supported are SAME and VALID"),
    "stride 0": (edited_conv(StrideW=0), CONV + r"stride \(1, 0\) is not positive"),
    "negative dilation": (edited_conv(DilationHFactor=-1), CONV + r"dilation \(-1, 1\) is not positive"),
    "huge stride": (edited_conv(StrideH=1 << 30), CONV + r".*stride \(1073741824, 1\) is not between 1 and"),
    "output of another size": (
        edited_conv(output_shape=(1, 6, 5, 4)),
        CONV + r"layer conv_2d: output 'conv_2d' has shape \[6, 5, 4\], but \[6, 6, 4\] follows",
    ),
    "window that does not fit": (
        with_input(lambda m, x: conv(m, x, padding="VALID"), shape=(1, 2, 6, 4)),
        r"operator 0 CONV_2D .*shape \[0, 4, 4\] has sizes below 1",
    ),
    "options of another operator": (
        raw("CONV_2D", ("Pool2DOptions", {})),
        r"operator 0 CONV_2D \('tensor_1'\): 1 inputs; supported are 2 or 3",
    ),
    "options of another type": (
        raw("SOFTMAX", ("Pool2DOptions", {})),
        r"operator 0 SOFTMAX \('tensor_1'\): options of type Pool2DOptions; needed are SoftmaxOptions",
    ),
    "factor above 2^30": (
        with_input(lambda m, x: conv(m, x, weight_scale=1e6, output=Q(1e-6))),
        r"operator 0 CONV_2D .*: the factor from accumulator to output reaches .*; supported is below 2\^30",
    ),
    "depth multiplier": (
        with_input(
            lambda m, x: (
                m.depthwise_conv_2d(x, codes(1, 3, 3, 8), zeros(8), weight_scale=0.01, output=Q(0.2)),
                m.operators[0].options[1].update(DepthMultiplier=1),  # type: ignore[index]
            )[0]
        ),
        "operator 0 DEPTHWISE_CONV_2D .*4 input channels times depth multiplier 1 do not give the weights' 8 channels",
    ),
    "depthwise weights of several": (
        with_input(lambda m, x: m.depthwise_conv_2d(x, codes(2, 3, 3, 4), None, weight_scale=0.01, output=Q(0.2))),
        r"depthwise weights have shape \[2, 3, 3, 4\]; needed is \[1, height, width, channels\]",
    ),
    "image of rank 3": (
        with_input(
            lambda m, x: m.operator(
                "MAX_POOL_2D",
                [x],
                [m.tensor((1, 6, 4), SAME_SCALE)],
                ("Pool2DOptions", {"StrideH": 1, "StrideW": 1, "FilterHeight": 1, "FilterWidth": 1}),
            ),
            shape=(1, 6, 4),
        ),
        r"operator 0 MAX_POOL_2D .*input 'input_1' has shape \[1, 6, 4\]; needed is \[1, height, width, channels\]",
    ),
    "shuffled weights": (
        with_input(lambda m, x: dense(m, x, WeightsFormat=1)),
        "operator 0 FULLY_CONNECTED .*: shuffled weights; supported is the default weights format",
    ),
    "keep_num_dims": (
        with_input(lambda m, x: dense(m, x, KeepNumDims=True)),
        "operator 0 FULLY_CONNECTED .*: keep_num_dims: input",
    ),
    "dense rows as a batch": (
        with_input(lambda m, x: m.fully_connected(x, codes(5, 4), None, weight_scale=0.01, output=Q(0.2))),
        r"operator 0 FULLY_CONNECTED .*: tensor 2 'tensor_2' has shape \[36, 5\]; supported is batch 1",
    ),
    "dense depth": (
        with_input(
            lambda m, x: m.operator(
                "FULLY_CONNECTED",
                [x, m.constant(codes(4, 100), Q(0.01))],
                [m.tensor((1, 4), Q(0.1))],
                ("FullyConnectedOptions", {}),
            )
        ),
        "input 'input_1' has 144 elements, not a multiple of the weights' 100",
    ),
    "add of shapes": (
        with_input(
            lambda m, x: m.operator(
                "ADD", [x, m.mean(x, [1], output=Q(0.1))], [m.tensor(IMAGE, Q(0.1))], ("AddOptions", {})
            ),
            shape=(1, 6, 5, 4),
        ),
        r"operator 1 ADD .*: layer add: inputs of shapes \[6, 5, 4\] and \[5, 4\]|output 'add' has shape",
    ),
    "add of scales": (
        with_input(lambda m, x: m.add(x, x, output=Q(1e-8))),
        r"operator 0 ADD .*: layer add: an input's scale is 2\^19 times the output's",
    ),
    "add of a constant": (
        with_input(lambda m, x: m.add(x, m.constant(codes(1, 1, 1, 4), Q(0.1)), output=Q(0.1))),
        r"operator 0 ADD \('tensor_2'\): tensor 1 'tensor_1' is a constant; supported here are tensors that the model",
    ),
    "concatenation of a constant": (
        with_input(lambda m, x: m.concatenation([x, m.constant(codes(*IMAGE), SAME_SCALE)], 3)),
        "operator 0 CONCATENATION .*: tensor 1 'tensor_1' is a constant",
    ),
    "read before written": (
        with_tensor(lambda m, x, t: m.add(x, t, output=Q(0.1)), IMAGE, SAME_SCALE),
        "operator 0 ADD .*: tensor 1 'tensor_1' is read before any operator writes it",
    ),
    "written twice": (
        with_input(write_twice),
        r"operator 1 RELU \('tensor_1'\): tensor 1 'tensor_1' is written a second",
    ),
    "output never written": (
        with_tensor(lambda m, x, t: t, IMAGE, SAME_SCALE),
        "output tensor 1 'tensor_1' is never written",
    ),
    "missing tensor": (
        with_input(lambda m, x: m.operator("RELU", [77], [m.tensor(IMAGE, Q(0.1))])),
        "operator 0 RELU .*: tensor 77 does not exist: the model holds 2 tensors",
    ),
    "input left out": (
        with_input(lambda m, x: m.operator("RELU", [-1], [m.tensor(IMAGE, Q(0.1))])),
        "operator 0 RELU .*: input 0 is left out",
    ),
    "two outputs": (
        with_input(lambda m, x: m.operator("RELU", [x], [m.tensor(IMAGE, Q(0.1)), m.tensor(IMAGE, Q(0.1))])),
        "operator 0 RELU .*: 2 outputs; supported is one",
    ),
    "pooling between scales": (
        with_input(lambda m, x: m.pool_2d("AVERAGE_POOL_2D", x, (2, 2), output=Q(0.1))),
        "operator 0 AVERAGE_POOL_2D .*input 'input_1' and output 'average_pool_2d' have different scales",
    ),
    "reshape between zero-points": (
        with_input(lambda m, x: m.reshape(x, [1, 144], output=Q(0.05, 1))),
        "operator 0 RESHAPE .* have different scales or zero-points; reshape copies codes",
    ),
    "padding between scales": (
        with_input(lambda m, x: m.pad(x, [(0, 0)] * 4, output=Q(0.1))),
        "operator 0 PAD .* have different scales",
    ),
    "concatenation between scales": (
        with_input(lambda m, x: m.concatenation([x, x], 3, output=Q(0.1))),
        "operator 0 CONCATENATION .* have different scales",
    ),
    "concatenation with activation": (with_input(concatenate_with_activation), "CONCATENATION .*: a fused activation"),
    "concatenation of batches": (
        with_input(
            lambda m, x: m.operator(
                "CONCATENATION", [x, x], [m.tensor(IMAGE, SAME_SCALE)], ("ConcatenationOptions", {"Axis": -4})
            )
        ),
        "operator 0 CONCATENATION .*: joins along axis -4; supported are the axes of rank 4 but the batch",
    ),
    "mean over the batch": (with_input(mean_of_batch), "operator 0 MEAN .*: mean over the batch"),
    "mean over a missing axis": (
        with_input(
            lambda m, x: m.operator(
                "MEAN",
                [x, m.constant(np.asarray([4], np.int32))],
                [m.tensor((1, 4), Q(0.1))],
                ("ReducerOptions", {}),
            )
        ),
        r"operator 0 MEAN .*: axes \[4\] are not axes of a tensor of rank 4",
    ),
    "mean to another shape": (
        with_input(
            lambda m, x: m.operator(
                "MEAN",
                [x, m.constant(np.asarray([1], np.int32))],
                [m.tensor((1, 4), Q(0.1))],
                ("ReducerOptions", {}),
            )
        ),
        r"operator 0 MEAN .*: output shape \[1, 4\] does not follow from axes \[1\]",
    ),
    "computed axes": (with_input(computed_axes), "operator 0 MEAN .*: tensor 1 'tensor_1' is computed by the model"),
    "many axes": (
        with_input(
            lambda m, x: m.operator(
                "MEAN", [x, m.constant(np.ones(9, np.int32))], [m.tensor((1, 6, 4), Q(0.1))], ("ReducerOptions", {})
            )
        ),
        "operator 0 MEAN .*: tensor 1 'tensor_1' holds 9 values",
    ),
    "float axes": (
        with_input(
            lambda m, x: m.operator(
                "MEAN", [x, m.constant(np.ones(1, np.float32))], [m.tensor((1, 6, 4), Q(0.1))], ("ReducerOptions", {})
            )
        ),
        "operator 0 MEAN .*: tensor 1 'tensor_1' is float32; needed are int32 or int64",
    ),
    "padding of the batch": (
        with_input(
            lambda m, x: m.operator(
                "PAD",
                [x, m.constant(np.asarray([(1, 0), (0, 0), (0, 0), (0, 0)], np.int32))],
                [m.tensor(IMAGE, SAME_SCALE)],
            )
        ),
        "operator 0 PAD .*: padding of the batch",
    ),
    "negative padding": (
        with_input(lambda m, x: m.pad(x, [(0, 0), (-1, 0), (0, 0), (0, 0)])),
        r"operator 0 PAD .*: layer pad: padding .* does not fit shape",
    ),
    "padding of other rank": (
        with_input(
            lambda m, x: m.operator("PAD", [x, m.constant(np.zeros((3, 2), np.int32))], [m.tensor(IMAGE, SAME_SCALE)])
        ),
        r"operator 0 PAD .*: paddings have shape \[3, 2\]; needed is \[4, 2\]",
    ),
    "pad value in another scale": (
        pad_with(np.zeros(1, np.int8), Q(0.1)),
        "operator 0 PADV2 .*: tensor 3 'tensor_3': the value to pad with has another scale",
    ),
    "pad values": (
        pad_with(np.zeros(2, np.int8), SAME_SCALE),
        "operator 0 PADV2 .*: tensor 3 .* is not one int8 value",
    ),
    "pad value of floats": (pad_with(np.zeros(1, np.int32), None), "tensor 3 'tensor_3' is not one int8 value"),
    "reshape to another shape": (
        reshape_to(1, 12, 12),
        r"operator 0 RESHAPE .*: new shape \[1, 12, 12\] is not the output's shape \[1, 144\]",
    ),
    "reshape with two unknowns": (reshape_to(-1, -1), r"RESHAPE .*: new shape \[-1, -1\] is not the output's shape"),
    "reshape without a shape": (
        with_input(lambda m, x: m.operator("RESHAPE", [x], [m.tensor((1, 144), SAME_SCALE)])),
        "operator 0 RESHAPE .*: no new shape is given",
    ),
    "reshape to more elements": (
        with_input(
            lambda m, x: m.operator(
                "RESHAPE", [x], [m.tensor((1, 145), SAME_SCALE)], ("ReshapeOptions", {"NewShape": [1, 145]})
            )
        ),
        r"operator 0 RESHAPE .*: layer reshape: 144 elements do not reshape to \[145\]",
    ),
    "slice of stride 0": (sliced(0, 0), "operator 1 STRIDED_SLICE .*: a slice of stride 0"),
    "slice beyond the shape": (sliced(4, 1), "STRIDED_SLICE .*: element 4 of a shape of 4 sizes"),
    "slice with a new axis": (sliced(0, 1, NewAxisMask=1), "STRIDED_SLICE .*: an ellipsis or a new axis"),
    "slice of another shape": (sliced(0, 1, (2,)), r"STRIDED_SLICE .*: tensor 5 .* has shape \[2\], but \[\] follows"),
    "shape of nothing": (
        with_tensor(lambda m, x, t: m.operator("SHAPE", [t], [m.tensor((4,), type="int32")]), IMAGE, SAME_SCALE),
        "operator 0 SHAPE .*: tensor 1 'tensor_1' is read before any operator writes it",
    ),
    "pack of codes": (
        with_input(lambda m, x: m.operator("PACK", [x], [m.tensor((1,), type="int32")], ("PackOptions", {}))),
        "operator 0 PACK .*: tensor 0 'input_1' is int8; needed are int32 or int64",
    ),
    "pack of vectors": (
        with_input(
            lambda m, x: m.operator(
                "PACK", [m.constant(np.ones(2, np.int32))], [m.tensor((1, 2), type="int32")], ("PackOptions", {})
            )
        ),
        "operator 0 PACK .*: packs more than sizes",
    ),
    "softmax output scale": (
        with_input(lambda m, x: m.softmax(x, output=Q(1 / 128, -128))),
        "operator 0 SOFTMAX .*: output 'softmax' is int8 with scale 0.0078125 and zero-point -128; softmax gives int8",
    ),
    "softmax output zero-point": (
        with_input(lambda m, x: m.softmax(x, output=Q(1 / 256, 0))),
        "operator 0 SOFTMAX .* zero-point 0; softmax gives int8 with scale 0.00390625 and zero-point -128",
    ),
    "softmax beta": (
        with_input(lambda m, x: m.softmax(x, beta=0.0)),
        "operator 0 SOFTMAX .*: beta 0.0 times the input's",
    ),
    "softmax beta NaN": (with_input(lambda m, x: m.softmax(x, beta=np.nan)), "operator 0 SOFTMAX .*: beta nan times"),
    "logistic output": (
        with_input(lambda m, x: m.unary("LOGISTIC", x, output=Q(0.1))),
        "operator 0 LOGISTIC .* gives int8 with scale 0.00390625 and zero-point -128",
    ),
    "tanh output": (
        with_input(lambda m, x: m.unary("TANH", x, output=Q(0.1))),
        "operator 0 TANH .* gives int8 with scale 0.0078125 and zero-point 0",
    ),
    "hard swish scales": (
        with_input(lambda m, x: m.unary("HARD_SWISH", x, output=Q(1e-4))),
        "operator 0 HARD_SWISH .* is 500 times the output's; hard_swish supports less than 128",
    ),
    "slope": (
        with_input(lambda m, x: m.leaky_relu(x, -0.1, output=Q(0.1))),
        "LEAKY_RELU .*: slope -0.1.*; supported are",
    ),
    "slope NaN": (
        with_input(lambda m, x: m.leaky_relu(x, np.nan, output=Q(0.1))),
        "LEAKY_RELU .*: slope nan; supported",
    ),
    "relu scales": (
        with_input(lambda m, x: m.unary("RELU", x, output=Q(1e-12))),
        r"operator 0 RELU .*: layer relu: the input's scale is 5e\+10 times the output's; supported is below 2\^30",
    ),
    "mean scales": (
        with_input(lambda m, x: m.mean(x, [1, 2], output=Q(1e-12))),
        r"operator 0 MEAN .*: layer mean: the input's scale is 5e\+10 times the output's; supported is below 2\^30",
    ),
    "logistic input": (
        with_input(lambda m, x: m.unary("LOGISTIC", x, output=Q(1 / 256, -128)), scale=16.0),
        "operator 0 LOGISTIC .*: layer logistic: the input's scale is 16; logistic supports less than 16",
    ),
    "tanh input": (
        with_input(lambda m, x: m.unary("TANH", x, output=Q(1 / 128)), scale=16.0),
        "operator 0 TANH .*: layer tanh: the input's scale is 16; tanh supports less than 16",
    ),
    "hard swish input": (
        with_input(lambda m, x: m.unary("HARD_SWISH", x, output=Q(2.0**20)), scale=2.0**20),
        r"operator 0 HARD_SWISH .*: the input's scale is 1\.04858e\+06; hard_swish supports less than 1\.04858e\+06",
    ),
    "requantize scales": (
        with_input(lambda m, x: m.unary("QUANTIZE", x, output=Q(1e-12))),
        r"operator 0 QUANTIZE .*: the input's scale is 5e\+10 times the output's; supported is below 2\^30",
    ),
    "requantize to another shape": (
        with_input(lambda m, x: m.operator("QUANTIZE", [x], [m.tensor((1, 6, 6), Q(0.1))])),
        r"operator 0 QUANTIZE .*: layer quantize: output 'quantize' has shape \[6, 6\], but \[6, 6, 4\] follows",
    ),
    "uint8 in the middle": (
        with_input(lambda m, x: m.unary("RELU", m.unary("QUANTIZE", x, output=Q(0.1), type="uint8"), output=Q(0.1))),
        "operator 1 RELU .*: tensor 'quantize' is unsigned; activation takes signed codes",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusal(case: str) -> None:
    build, message = REFUSALS[case]
    model = ModelBuilder()
    output = build(model)
    with pytest.raises(ModelError) as error:
        import_model(model.finish(output), "built")
    assert re.search(message, str(error.value)), str(error.value)
    assert "\n" not in str(error.value)


def depthwise(model: ModelBuilder, x: int) -> int:
    return model.depthwise_conv_2d(x, codes(1, 3, 3, 4), zeros(4), weight_scale=0.01, output=Q(0.2))


DECISIVE: dict[str, Callable[[ModelBuilder, int], int]] = {
    "AddOptions": lambda m, x: m.add(x, x, output=Q(0.1)),
    "ConcatenationOptions": lambda m, x: m.concatenation([x, x], 3),
    "Conv2DOptions": conv,
    "DepthwiseConv2DOptions": depthwise,
    "FullyConnectedOptions": dense,
    "LeakyReluOptions": lambda m, x: m.leaky_relu(x, 0.0, output=Q(0.1)),
    "Pool2DOptions": lambda m, x: m.pool_2d("MAX_POOL_2D", x, (1, 1)),
    "ReducerOptions": lambda m, x: m.mean(x, [1], output=Q(0.1)),
    "SoftmaxOptions": lambda m, x: m.softmax(x, beta=1.0),
}


@pytest.mark.parametrize("name", DECISIVE)
def test_options_that_are_missing(name: str) -> None:
    model = ModelBuilder()
    y = DECISIVE[name](model, model.input(IMAGE))
    import_model(model.finish(y), "built")
    operator = model.operators[0]
    assert operator.options is not None and operator.options[0] == name
    operator.options = None
    with pytest.raises(
        ModelError, match=rf"^operator 0 {operator.kind} \(.*\): its {name} are missing, which say what"
    ):
        import_model(model.finish(y), "built")


def test_options_of_no_type_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ModelBuilder()
    y = model.reshape(model.input(IMAGE), (1, 144))
    operator = model.operators[0]
    operator.inputs = operator.inputs[:1]
    operator.options = ("ReshapeOptions", {"NewShape": [1, 144]})
    import_model(model.finish(y), "built")
    monkeypatch.setattr(tflite_builder, "_enumeration", without_type(tflite_builder._enumeration))
    with pytest.raises(ModelError, match=r"RESHAPE .*: no new shape is given"):
        import_model(model.finish(y), "built")


def without_type(enumeration: Callable[[str, str], int]) -> Callable[[str, str], int]:
    return lambda name, member: 0 if name == "BuiltinOptions" else enumeration(name, member)


def relu_model(**changes: int) -> bytes:
    model = ModelBuilder(**changes)
    return model.finish(model.unary("RELU", model.input((1, 4)), output=Q(0.1)))


def test_several_outputs() -> None:
    model = ModelBuilder()
    x = model.input((1, 4))
    y = model.unary("RELU", x, output=Q(0.1))
    with pytest.raises(ModelError, match="1 inputs and 2 outputs; supported is one of each"):
        import_model(model.finish(y, x), "built")


@pytest.mark.parametrize("count", [0, 2])
def test_subgraphs(count: int) -> None:
    with pytest.raises(ModelError, match=f"the model holds {count} subgraphs; supported is one"):
        import_model(relu_model(subgraphs=count), "built")


@pytest.mark.parametrize("offset", [2, 4096, 1 << 62])
def test_constants_behind_the_tables(offset: int) -> None:
    model = ModelBuilder(offset=offset)
    y = conv(model, model.input(IMAGE))
    with pytest.raises(ModelError, match=CONV + "tensor 1 'tensor_1' is stored after the model's tables; supported"):
        import_model(model.finish(y), "built")


def test_schema_version() -> None:
    with pytest.raises(ModelError, match="TFLite schema version 2 is not supported; supported is 3"):
        import_model(relu_model(version=2), "built")


def test_message_begins_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(relu_model(version=2))
    for read in (load, read_tflite):
        with pytest.raises(ModelError, match=f"^{re.escape(str(path))}: TFLite schema version 2"):
            read(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    with pytest.raises(ModelError, match=r"m\.tflite: no such file"):
        load(path)
    with pytest.raises(ModelError, match="not a file"):
        load(tmp_path)
    for content in (b"", b"TFL3", b"\x00" * 64):
        path.write_bytes(content)
        with pytest.raises(ModelError, match="neither a TFLite model nor a network saved by hwq"):
            load(path)
        with pytest.raises(ModelError, match="not a TFLite file: bytes 4 to 8 are not 'TFL3'"):
            read_tflite(path)


def test_oversized_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(bytes((1 << 20) + 1))
    monkeypatch.setattr(files, "MAX_BYTES", 1 << 20)
    with pytest.raises(ModelError, match="above 1 MiB, the largest model file supported"):
        load(path)


def test_long_names_are_shortened_in_messages() -> None:
    model = ModelBuilder()
    y = model.unary("SIN", model.input((1, 4)), output=Q(0.1), name="n" * 5000)
    with pytest.raises(ModelError) as error:
        import_model(model.finish(y), "built")
    assert "nnn...'" in str(error.value) and len(str(error.value)) < 500


@pytest.mark.parametrize("size", range(8, 200, 7))
def test_truncation(size: int) -> None:
    with pytest.raises(ModelError, match="damaged"):
        import_model(relu_model()[:size], "built")
