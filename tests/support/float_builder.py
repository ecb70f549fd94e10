"""`ModelBuilder` for models of real numbers, and int8 weights of a file made real."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from tests.support.tflite_builder import _ACTIVATIONS, ModelBuilder, Q


class FloatModelBuilder(ModelBuilder):
    """Every tensor is float32 unless its type is said; outputs have no quantization."""

    def tensor(
        self,
        shape: Any,
        quantization: Q | None = None,
        type: str = "float32",
        name: str | None = None,
        data: bytes | None = None,
        **flags: bool,
    ) -> int:
        # Operators of one input name the type of their output.
        return super().tensor(shape, quantization, "float32" if data is None else type, name, data, **flags)

    def quantization(self, index: int) -> Q:
        return None  # type: ignore[return-value]

    def image(self, shape: tuple[int, ...]) -> int:
        """The input, float32 with the batch."""
        return self.input(shape, type="float32")

    def conv(self, x: int, weights: NDArray[Any], bias: NDArray[Any] | None, **options: Any) -> int:
        """CONV_2D."""
        return self.conv_2d(x, weights, bias, weight_scale=1.0, output=None, **options)  # type: ignore[arg-type]

    def depthwise(self, x: int, weights: NDArray[Any], bias: NDArray[Any] | None, **options: Any) -> int:
        """DEPTHWISE_CONV_2D."""
        return self.depthwise_conv_2d(x, weights, bias, weight_scale=1.0, output=None, **options)  # type: ignore[arg-type]

    def dense(self, x: int, weights: NDArray[Any], bias: NDArray[Any] | None, **options: Any) -> int:
        """FULLY_CONNECTED."""
        return self.fully_connected(x, weights, bias, weight_scale=1.0, output=None, **options)  # type: ignore[arg-type]

    def arithmetic(self, kind: str, a: int, b: int, activation: str = "NONE") -> int:
        """ADD, SUB, MUL or DIV."""
        y = self.tensor(np.broadcast_shapes(self.shape(a), self.shape(b)))
        fields = {"FusedActivationFunction": _ACTIVATIONS[activation]}
        return self.operator(kind, [a, b], [y], (f"{kind.capitalize()}Options", fields))

    def _weighted(self, x: int, weights: NDArray[Any], bias: NDArray[Any] | None, quantization: Q) -> list[int]:
        constants = [weights] if bias is None else [weights, bias]
        return [x, *(self.constant(values) for values in constants)]


def with_real_weights(data: bytes) -> bytes:
    """The file with its int8 constants as the float32 numbers they stand for, so that LiteRT computes with those.

    The new contents lie behind the file's own; a buffer's offset leads there, and the tensor's type says float32.
    """
    changed = bytearray(data)
    model = tflite.Model.GetRootAs(data)
    graph = model.Subgraphs(0)
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        buffer = model.Buffers(tensor.Buffer())
        if tensor.Type() != tflite.TensorType.INT8 or not buffer.DataLength():
            continue
        scale, axis = tensor.Quantization().ScaleAsNumpy(), tensor.Quantization().QuantizedDimension()
        assert not tensor.Quantization().ZeroPointAsNumpy().any()
        codes = buffer.DataAsNumpy().view(np.int8).reshape(tensor.ShapeAsNumpy())
        shape = [1] * codes.ndim
        shape[axis] = -1
        real = (codes.astype(np.float32) * scale.reshape(shape)).astype("<f4").tobytes()
        # The length of a vector is at a multiple of 4, its elements, which LiteRT wants aligned, at one of 16.
        changed += bytes(-(len(changed) + 4) % 16)
        field = buffer._tab.Pos + buffer._tab.Offset(4)
        changed[field : field + 4] = struct.pack("<I", len(changed) - field)
        changed += struct.pack("<I", len(real)) + real
        changed[tensor._tab.Pos + tensor._tab.Offset(6)] = tflite.TensorType.FLOAT32
    return bytes(changed)


def every_float_operator(seed: int = 20261124) -> bytes:
    """A model that holds every operator of the float reader, with constants of every type it takes."""
    rng = np.random.default_rng(seed)

    def values(*shape: int) -> NDArray[np.float32]:
        return rng.normal(0, 0.5, shape).astype(np.float32)

    model = FloatModelBuilder()
    x = model.image((1, 9, 8, 4))
    y = model.conv(x, values(6, 3, 2, 4), values(6), stride=(2, 1), activation="RELU6")
    y = model.arithmetic("MUL", y, model.constant(values(6)))
    y = model.arithmetic("ADD", y, model.constant(values(1, 1, 1, 6)), "RELU")
    y = model.depthwise(y, values(1, 3, 3, 12), None, dilation=(2, 1), padding="VALID")
    y = model.arithmetic("SUB", model.constant(values(1)), y)
    y = model.arithmetic("DIV", y, model.constant(np.abs(values(12)) + np.float32(1)), "RELU_N1_TO_1")
    y = model.operator(
        "PAD",
        [y, model.constant(np.asarray([(0, 0), (1, 0), (1, 1), (0, 0)], np.int32))],
        [model.tensor((1, 2, 8, 12))],
        ("PadOptions", {}),
    )
    codes = rng.integers(-127, 128, (4, 2, 2, 12)).astype(np.int8)
    hybrid = model.constant(codes, Q(rng.uniform(0.01, 0.02, 4).tolist(), 0, 0))
    y = model.operator(
        "CONV_2D",
        [y, hybrid, model.constant(values(4))],
        [model.tensor((1, 2, 8, 4))],
        ("Conv2DOptions", {"StrideH": 1, "StrideW": 1}),
    )
    halves = model.constant(values(4).astype(np.float16))
    single = model.operator("DEQUANTIZE", [halves], [model.tensor((4,))])
    y = model.arithmetic("ADD", y, single)
    z = model.pool_2d("MAX_POOL_2D", y, (2, 3), stride=(1, 2), padding="SAME")
    y = model.pool_2d("AVERAGE_POOL_2D", y, (2, 3), stride=(1, 2), padding="SAME", activation="RELU")
    y = model.concatenation([model.arithmetic("ADD", y, z), z, y], 3)
    y = model.leaky_relu(y, 0.1, output=None)  # type: ignore[arg-type]
    y = model.unary("HARD_SWISH", model.unary("RELU6", y, output=None), output=None)
    y = model.unary("TANH", model.unary("LOGISTIC", model.unary("RELU", y, output=None), output=None), output=None)
    y = model.mean(y, [1], output=None, keep_dims=True)  # type: ignore[arg-type]
    y = model.dense(model.reshape(y, (1, -1)), values(5, 48), values(5), activation="NONE")
    return model.finish(model.softmax(y, beta=0.7, output=None))  # type: ignore[arg-type]
