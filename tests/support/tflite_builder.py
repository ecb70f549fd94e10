"""Builds small ``.tflite`` files, so that tests can pose any operator with any shape and quantization.

Written with the generated classes of the ``tflite`` package, independently of hwq's own reader. The files also load in
tflite-micro and LiteRT, which tests use as oracles::

    model = ModelBuilder()
    x = model.input((1, 8, 8, 3), scale=0.05, zero_point=-3)
    y = model.conv_2d(x, weights, bias, weight_scale=[0.01] * 4, output=Q(0.1, 4), stride=(2, 1), activation="RELU6")
    data = model.finish(y)

Every operator method returns the index of the tensor it writes. `ModelBuilder.operator` and `ModelBuilder.tensor` write
anything else, legal or not.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

_TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9, "int4": 17}
_PADDING = {"SAME": 0, "VALID": 1}
_ACTIVATIONS = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3, "TANH": 4, "SIGN_BIT": 5}

Pair = tuple[int, int]


@dataclass(frozen=True)
class Q:
    """Quantization of a tensor: one scale and zero-point, or one for each index of ``axis``."""

    scale: float | Sequence[float]
    zero_point: int | Sequence[int] = 0
    axis: int = 0

    @property
    def scales(self) -> NDArray[np.float32]:
        return np.atleast_1d(np.asarray(self.scale, np.float32))

    @property
    def zero_points(self) -> NDArray[np.int64]:
        points = np.atleast_1d(np.asarray(self.zero_point, np.int64))
        return np.broadcast_to(points, self.scales.shape) if points.size == 1 else points


@dataclass
class TensorSpec:
    """One tensor to be written."""

    name: str
    shape: tuple[int, ...]
    type: str
    quantization: Q | None
    buffer: int
    is_variable: bool = False
    is_sparse: bool = False


@dataclass
class OperatorSpec:
    """One operator to be written; ``options`` is the schema's table name and its fields."""

    kind: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: tuple[str, dict[str, Any]] | None
    custom_code: str | None = None


@dataclass
class ModelBuilder:
    """A model with one subgraph, built operator by operator.

    With ``offset`` the constants are said to lie at that byte of the file, behind the tables, where they are not.
    """

    version: int = 3
    subgraphs: int = 1
    offset: int = 0
    tensors: list[TensorSpec] = field(default_factory=list)
    operators: list[OperatorSpec] = field(default_factory=list)
    buffers: list[bytes] = field(default_factory=lambda: [b""])
    inputs: list[int] = field(default_factory=list)

    # Tensors

    def tensor(
        self,
        shape: Sequence[int],
        quantization: Q | None = None,
        type: str = "int8",
        name: str | None = None,
        data: bytes | None = None,
        **flags: bool,
    ) -> int:
        """Add a tensor; with ``data`` it is a constant."""
        index = len(self.tensors)
        buffer = 0
        if data is not None:
            buffer = len(self.buffers)
            self.buffers.append(data)
        name = f"tensor_{index}" if name is None else name
        self.tensors.append(TensorSpec(name, tuple(shape), type, quantization, buffer, **flags))
        return index

    def input(
        self,
        shape: Sequence[int],
        scale: float = 0.05,
        zero_point: int = 0,
        type: str = "int8",
        name: str | None = None,
    ) -> int:
        """Add an input of the model; ``shape`` includes the batch. A float32 input has no quantization."""
        quantization = None if type == "float32" else Q(scale, zero_point)
        index = self.tensor(shape, quantization, type, name or f"input_{len(self.inputs) + 1}")
        self.inputs.append(index)
        return index

    def constant(self, values: NDArray[Any], quantization: Q | None = None, name: str | None = None) -> int:
        """Add a constant of the array's type and shape."""
        data = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
        return self.tensor(values.shape, quantization, values.dtype.name, name, data)

    def shape(self, index: int) -> tuple[int, ...]:
        """Shape of a tensor, with the batch."""
        return self.tensors[index].shape

    def quantization(self, index: int) -> Q:
        """Quantization of a tensor that has one."""
        found = self.tensors[index].quantization
        assert found is not None, f"tensor {index} has no quantization"
        return found

    # Operators

    def operator(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: tuple[str, dict[str, Any]] | None = None,
        custom_code: str | None = None,
    ) -> int:
        """Add any operator; returns its first output (or -1)."""
        self.operators.append(OperatorSpec(kind, list(inputs), list(outputs), options, custom_code))
        return outputs[0] if outputs else -1

    def conv_2d(
        self,
        x: int,
        weights: NDArray[np.int8],
        bias: NDArray[np.int32] | None,
        *,
        weight_scale: float | Sequence[float],
        output: Q,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: str = "SAME",
        activation: str = "NONE",
        name: str | None = None,
    ) -> int:
        """CONV_2D; ``weights`` [out, kernel_h, kernel_w, in / groups], pairs are (vertical, horizontal)."""
        size = self._windows(x, weights.shape[1:3], stride, dilation, padding)
        inputs = self._weighted(x, weights, bias, Q(weight_scale, 0, 0))
        y = self.tensor((self.shape(x)[0], *size, weights.shape[0]), output, name=name)
        fields = _window_fields(padding, stride, activation) | _dilation_fields(dilation)
        return self.operator("CONV_2D", inputs, [y], ("Conv2DOptions", fields))

    def depthwise_conv_2d(
        self,
        x: int,
        weights: NDArray[np.int8],
        bias: NDArray[np.int32] | None,
        *,
        weight_scale: float | Sequence[float],
        output: Q,
        stride: Pair = (1, 1),
        dilation: Pair = (1, 1),
        padding: str = "SAME",
        activation: str = "NONE",
        name: str | None = None,
    ) -> int:
        """DEPTHWISE_CONV_2D; ``weights`` [1, kernel_h, kernel_w, in * multiplier]."""
        size = self._windows(x, weights.shape[1:3], stride, dilation, padding)
        inputs = self._weighted(x, weights, bias, Q(weight_scale, 0, 3))
        y = self.tensor((self.shape(x)[0], *size, weights.shape[3]), output, name=name)
        fields = _window_fields(padding, stride, activation) | _dilation_fields(dilation)
        fields["DepthMultiplier"] = weights.shape[3] // self.shape(x)[3]
        return self.operator("DEPTHWISE_CONV_2D", inputs, [y], ("DepthwiseConv2DOptions", fields))

    def fully_connected(
        self,
        x: int,
        weights: NDArray[np.int8],
        bias: NDArray[np.int32] | None,
        *,
        weight_scale: float | Sequence[float],
        output: Q,
        activation: str = "NONE",
        keep_num_dims: bool = False,
        name: str | None = None,
    ) -> int:
        """FULLY_CONNECTED; ``weights`` [out, in]."""
        inputs = self._weighted(x, weights, bias, Q(weight_scale, 0, 0))
        rows = math.prod(self.shape(x)) // weights.shape[1]
        shape = (*self.shape(x)[:-1], weights.shape[0]) if keep_num_dims else (rows, weights.shape[0])
        y = self.tensor(shape, output, name=name)
        fields = {"FusedActivationFunction": _ACTIVATIONS[activation], "KeepNumDims": keep_num_dims}
        return self.operator("FULLY_CONNECTED", inputs, [y], ("FullyConnectedOptions", fields))

    def add(self, a: int, b: int, *, output: Q, activation: str = "NONE", name: str | None = None) -> int:
        """ADD, with broadcasting."""
        y = self.tensor(np.broadcast_shapes(self.shape(a), self.shape(b)), output, name=name)
        return self.operator("ADD", [a, b], [y], ("AddOptions", {"FusedActivationFunction": _ACTIVATIONS[activation]}))

    def pool_2d(
        self,
        kind: str,
        x: int,
        kernel: Pair,
        *,
        stride: Pair = (1, 1),
        padding: str = "VALID",
        activation: str = "NONE",
        output: Q | None = None,
        name: str | None = None,
    ) -> int:
        """AVERAGE_POOL_2D or MAX_POOL_2D (``kind``); quantized as its input unless ``output`` says otherwise."""
        size = self._windows(x, kernel, stride, (1, 1), padding)
        y = self.tensor((self.shape(x)[0], *size, self.shape(x)[3]), output or self.quantization(x), name=name)
        fields = _window_fields(padding, stride, activation) | {"FilterHeight": kernel[0], "FilterWidth": kernel[1]}
        return self.operator(kind, [x], [y], ("Pool2DOptions", fields))

    def reshape(self, x: int, shape: Sequence[int], *, output: Q | None = None, name: str | None = None) -> int:
        """RESHAPE to ``shape`` (with the batch; one size may be -1), given as a constant."""
        wanted = self.constant(np.asarray(shape, np.int32))
        known = math.prod(size for size in shape if size != -1)
        full = [math.prod(self.shape(x)) // known if size == -1 else size for size in shape]
        y = self.tensor(full, output or self.quantization(x), name=name)
        return self.operator("RESHAPE", [x, wanted], [y], ("ReshapeOptions", {}))

    def mean(self, x: int, axes: Sequence[int], *, output: Q, keep_dims: bool = False, name: str | None = None) -> int:
        """MEAN over ``axes`` (counted with the batch)."""
        rank = len(self.shape(x))
        reduced = {axis % rank for axis in axes}
        shape = [1 if i in reduced else size for i, size in enumerate(self.shape(x)) if keep_dims or i not in reduced]
        y = self.tensor(shape, output, name=name)
        inputs = [x, self.constant(np.asarray(axes, np.int32))]
        return self.operator("MEAN", inputs, [y], ("ReducerOptions", {"KeepDims": keep_dims}))

    def pad(
        self,
        x: int,
        amounts: Sequence[Pair],
        *,
        value: int | None = None,
        output: Q | None = None,
        name: str | None = None,
    ) -> int:
        """PAD with the zero-point, or PADV2 with the code ``value``; ``amounts`` (before, after), batch included."""
        shape = [size + sum(pair) for size, pair in zip(self.shape(x), amounts, strict=True)]
        y = self.tensor(shape, output or self.quantization(x), name=name)
        inputs = [x, self.constant(np.asarray(amounts, np.int32))]
        if value is None:
            return self.operator("PAD", inputs, [y], ("PadOptions", {}))
        inputs.append(self.constant(np.asarray([value], np.int8), self.quantization(x)))
        return self.operator("PADV2", inputs, [y], ("PadV2Options", {}))

    def concatenation(
        self,
        inputs: Sequence[int],
        axis: int,
        *,
        output: Q | None = None,
        activation: str = "NONE",
        name: str | None = None,
    ) -> int:
        """CONCATENATION along ``axis`` (counted with the batch)."""
        shape = list(self.shape(inputs[0]))
        shape[axis] = sum(self.shape(index)[axis] for index in inputs)
        y = self.tensor(shape, output or self.quantization(inputs[0]), name=name)
        fields = {"Axis": axis, "FusedActivationFunction": _ACTIVATIONS[activation]}
        return self.operator("CONCATENATION", inputs, [y], ("ConcatenationOptions", fields))

    def softmax(self, x: int, *, beta: float = 1.0, output: Q = Q(1 / 256, -128), name: str | None = None) -> int:
        """SOFTMAX over the last axis."""
        y = self.tensor(self.shape(x), output, name=name)
        return self.operator("SOFTMAX", [x], [y], ("SoftmaxOptions", {"Beta": beta}))

    def leaky_relu(self, x: int, alpha: float, *, output: Q, name: str | None = None) -> int:
        """LEAKY_RELU with slope ``alpha`` below 0."""
        y = self.tensor(self.shape(x), output, name=name)
        return self.operator("LEAKY_RELU", [x], [y], ("LeakyReluOptions", {"Alpha": alpha}))

    def unary(self, kind: str, x: int, *, output: Q | None, type: str = "int8", name: str | None = None) -> int:
        """An operator of one input without options: RELU, RELU6, LOGISTIC, TANH, HARD_SWISH, QUANTIZE, DEQUANTIZE."""
        y = self.tensor(self.shape(x), output, type, name)
        return self.operator(kind, [x], [y])

    # The file

    def finish(self, *outputs: int) -> bytes:
        """The file's bytes; ``outputs`` are the model's outputs."""
        builder = flatbuffers.Builder(1024)
        keys = list(dict.fromkeys((op.kind, op.custom_code) for op in self.operators))
        subgraph = self._subgraph(builder, outputs, keys)
        graphs = _offsets(builder, [subgraph] * self.subgraphs)
        codes = _offsets(builder, [self._operator_code(builder, kind, custom) for kind, custom in keys])
        buffers = _offsets(builder, [_buffer(builder, data, self.offset) for data in self.buffers])
        model = _table(builder, "Model", Version=self.version, OperatorCodes=codes, Subgraphs=graphs, Buffers=buffers)
        builder.Finish(model, file_identifier=b"TFL3")
        return bytes(builder.Output())

    def _weighted(
        self, x: int, weights: NDArray[np.int8], bias: NDArray[np.int32] | None, quantization: Q
    ) -> list[int]:
        inputs = [x, self.constant(weights, quantization)]
        if bias is not None:
            scales = self.quantization(x).scales * quantization.scales
            inputs.append(self.constant(bias, Q(scales.tolist(), 0, 0)))
        return inputs

    def _windows(self, x: int, kernel: Sequence[int], stride: Pair, dilation: Pair, padding: str) -> tuple[int, ...]:
        sizes = []
        for size, length, step, spread in zip(self.shape(x)[1:3], kernel, stride, dilation, strict=True):
            extent = (length - 1) * spread + 1 if padding == "VALID" else 1
            sizes.append(-(-(size - extent + 1) // step))
        return tuple(sizes)

    def _subgraph(self, builder: Any, outputs: Sequence[int], keys: list[tuple[str, str | None]]) -> int:
        operators = []
        for op in self.operators:
            fields: dict[str, Any] = {}
            if op.options is not None:
                fields["BuiltinOptions"] = _table(builder, op.options[0], **op.options[1])
                fields["BuiltinOptionsType"] = _enumeration("BuiltinOptions", op.options[0])
            fields["Inputs"] = builder.CreateNumpyVector(np.asarray(op.inputs, np.int32))
            fields["Outputs"] = builder.CreateNumpyVector(np.asarray(op.outputs, np.int32))
            operators.append(_table(builder, "Operator", OpcodeIndex=keys.index((op.kind, op.custom_code)), **fields))
        return _table(
            builder,
            "SubGraph",
            Tensors=_offsets(builder, [_tensor(builder, spec) for spec in self.tensors]),
            Inputs=builder.CreateNumpyVector(np.asarray(self.inputs, np.int32)),
            Outputs=builder.CreateNumpyVector(np.asarray(outputs, np.int32)),
            Operators=_offsets(builder, operators),
            Name=builder.CreateString("main"),
        )

    def _operator_code(self, builder: Any, kind: str, custom: str | None) -> int:
        code = _enumeration("BuiltinOperator", kind)
        fields = {} if custom is None else {"CustomCode": builder.CreateString(custom)}
        return _table(
            builder, "OperatorCode", BuiltinCode=code, DeprecatedBuiltinCode=min(code, 127), Version=1, **fields
        )


def _window_fields(padding: str, stride: Pair, activation: str) -> dict[str, Any]:
    return {
        "Padding": _PADDING[padding],
        "StrideH": stride[0],
        "StrideW": stride[1],
        "FusedActivationFunction": _ACTIVATIONS[activation],
    }


def _dilation_fields(dilation: Pair) -> dict[str, Any]:
    return {"DilationHFactor": dilation[0], "DilationWFactor": dilation[1]}


def _enumeration(name: str, member: str) -> int:
    return int(getattr(getattr(importlib.import_module(f"tflite.{name}"), name), member))


def _table(builder: Any, name: str, **fields: Any) -> int:
    """Write a table with the generated functions ``<name>Start``, ``<name>Add<Field>`` and ``<name>End``.

    A list among the fields becomes a vector of int32.
    """
    module = importlib.import_module(f"tflite.{name}")
    for key, value in fields.items():
        if isinstance(value, list):
            fields[key] = builder.CreateNumpyVector(np.asarray(value, np.int32))
    getattr(module, f"{name}Start")(builder)
    for key, value in fields.items():
        getattr(module, f"{name}Add{key}")(builder, value)
    return int(getattr(module, f"{name}End")(builder))


def _offsets(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _buffer(builder: Any, data: bytes, offset: int) -> int:
    if not data:
        return _table(builder, "Buffer")
    if offset:
        return _table(builder, "Buffer", Offset=offset, Size=len(data))
    # tflite-micro reads constants in place and needs them aligned to 16 bytes.
    builder.StartVector(1, len(data), 16)
    builder.head = builder.head - len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data
    return _table(builder, "Buffer", Data=builder.EndVector())


def _tensor(builder: Any, spec: TensorSpec) -> int:
    fields: dict[str, Any] = {}
    if spec.quantization is not None:
        fields["Quantization"] = _table(
            builder,
            "QuantizationParameters",
            Scale=builder.CreateNumpyVector(spec.quantization.scales),
            ZeroPoint=builder.CreateNumpyVector(np.ascontiguousarray(spec.quantization.zero_points)),
            QuantizedDimension=spec.quantization.axis,
        )
    if spec.is_sparse:
        fields["Sparsity"] = _table(builder, "SparsityParameters")
    fields["Name"] = builder.CreateString(spec.name)
    fields["Shape"] = builder.CreateNumpyVector(np.asarray(spec.shape, np.int32))
    return _table(builder, "Tensor", Type=_TYPES[spec.type], Buffer=spec.buffer, IsVariable=spec.is_variable, **fields)
