"""Converters of operators that are the same layer whatever their tensors hold: they have neither codes nor weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hwq.errors import ModelError
from hwq.frontends.tflite.reading import TensorReader
from hwq.graph.layers import Activation, ActivationKind, Concatenation, Layer, Mean, Reshape, Softmax


def _reshape(read: TensorReader[Any]) -> Layer:
    read.expect("ReshapeOptions", inputs=(1, 2), decisive=False)
    output = (1, *read.output().shape)
    if len(read.operator.inputs) == 2:
        wanted = tuple(read.integers(1))
    else:
        wanted = () if read.operator.options is None else read.operator.options.integers(0)
        if not wanted:
            raise ModelError("no new shape is given")
    known = [size for size in wanted if size != -1]
    if (
        len(wanted) != len(output)
        or len(known) < len(wanted) - 1
        or any(size not in (-1, actual) for size, actual in zip(wanted, output, strict=True))
    ):
        raise ModelError(f"new shape {list(wanted)} is not the output's shape {list(output)}")
    return Reshape(**read.common(1))


def _softmax(read: TensorReader[Any]) -> Layer:
    read.expect("SoftmaxOptions", inputs=(1,))
    return Softmax(**read.common(1), beta=read.operator.real(0))


def _mean(read: TensorReader[Any]) -> Layer:
    read.expect("ReducerOptions", inputs=(2,))
    rank = 1 + len(read.input(0).shape)
    axes = read.integers(1)
    if any(not -rank <= axis < rank for axis in axes):
        raise ModelError(f"axes {axes} are not axes of a tensor of rank {rank}")
    positive = sorted({axis % rank for axis in axes})
    if 0 in positive:
        raise ModelError("mean over the batch; supported are the other axes")
    if len(read.output().shape) != rank - 1 - (0 if read.operator.flag(0) else len(positive)):
        raise ModelError(f"output shape {[1, *read.output().shape]} does not follow from axes {axes}")
    return Mean(**read.common(1), axes=tuple(axis - 1 for axis in positive))


def _concatenation(read: TensorReader[Any]) -> Layer:
    read.expect("ConcatenationOptions", inputs=None)
    rank = 1 + len(read.output().shape)
    axis = read.operator.integer(0)
    if not -rank <= axis < rank or axis % rank == 0:
        raise ModelError(f"joins along axis {axis}; supported are the axes of rank {rank} but the batch")
    if read.operator.integer(1, "int8") != 0:
        raise ModelError("a fused activation; supported is a concatenation without one")
    return Concatenation(**read.common(len(read.operator.inputs)), axis=axis % rank - 1)


def _activation(kind: ActivationKind) -> Callable[[TensorReader[Any]], Layer]:
    def convert(read: TensorReader[Any]) -> Layer:
        read.expect(None, inputs=(1,))
        return Activation(**read.common(1), kind=kind)

    return convert


def _leaky_relu(read: TensorReader[Any]) -> Layer:
    read.expect("LeakyReluOptions", inputs=(1,))
    return Activation(**read.common(1), kind=ActivationKind.LEAKY_RELU, alpha=read.operator.real(0))


SHARED: dict[str, Callable[[TensorReader[Any]], Layer]] = {
    "CONCATENATION": _concatenation,
    "HARD_SWISH": _activation(ActivationKind.HARD_SWISH),
    "LEAKY_RELU": _leaky_relu,
    "LOGISTIC": _activation(ActivationKind.LOGISTIC),
    "MEAN": _mean,
    "RELU": _activation(ActivationKind.RELU),
    "RELU6": _activation(ActivationKind.RELU6),
    "RELU_N1_TO_1": _activation(ActivationKind.RELU_N1_TO_1),
    "RESHAPE": _reshape,
    "SOFTMAX": _softmax,
    "TANH": _activation(ActivationKind.TANH),
}
