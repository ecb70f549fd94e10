"""Scales that no converter writes: the model is refused or computed, without a warning and without a traceback."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.errors import ModelError
from hwq.frontends.tflite import import_model
from hwq.graph import quantize_input
from hwq.numeric.requantize import Contract
from tests.support.tflite_builder import ModelBuilder, Q

IMAGE = (1, 3, 3, 2)
SCALES = (np.inf, np.nan, 0.0, -1.0, 1e-45, 1e-38, 1e-18, 0.05, 15.0, 1e6, 1e18, 1e20, 3.4e38)
CONTRACTS = (Contract.DOUBLE, Contract.UP2, Contract.SINGLE, Contract.F64AWAY, Contract.FP32HE)

Build = Callable[[ModelBuilder, int, Q], int]


def codes(*shape: int) -> NDArray[np.int8]:
    return np.random.default_rng(5).integers(-127, 128, shape).astype(np.int8)


def unary(kind: str, fixed: Q | None = None) -> Build:
    return lambda m, x, output: m.unary(kind, x, output=fixed or output)


BIAS = np.asarray([1000, -1000], np.int32)
BUILDS: dict[str, Build] = {
    "conv": lambda m, x, y: m.conv_2d(
        x, codes(2, 2, 2, 2), BIAS, weight_scale=[0.01] * 2, output=y, activation="RELU6"
    ),
    "depthwise": lambda m, x, y: m.depthwise_conv_2d(x, codes(1, 2, 2, 2), BIAS, weight_scale=0.01, output=y),
    "dense": lambda m, x, y: m.fully_connected(x, codes(2, 18), BIAS, weight_scale=0.01, output=y),
    "add": lambda m, x, y: m.add(x, x, output=y, activation="RELU_N1_TO_1"),
    "pool": lambda m, x, y: m.pool_2d("AVERAGE_POOL_2D", x, (2, 2), activation="RELU6"),
    "mean": lambda m, x, y: m.mean(x, [1, 2], output=y, keep_dims=True),
    "softmax": lambda m, x, y: m.softmax(x),
    "leaky": lambda m, x, y: m.leaky_relu(x, 0.1, output=y),
    "pad": lambda m, x, y: m.pad(x, [(0, 0), (1, 0), (0, 0), (0, 0)], value=3),
    "relu": unary("RELU"),
    "relu6": unary("RELU6"),
    "logistic": unary("LOGISTIC", Q(1 / 256, -128)),
    "tanh": unary("TANH", Q(1 / 128)),
    "hard_swish": unary("HARD_SWISH"),
    "requantize": unary("QUANTIZE"),
}


def refused_or_run(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            network = import_model(data, "damaged")
        except ModelError:
            return
        x = np.random.default_rng(6).integers(-128, 128, (2, *IMAGE[1:])).astype(np.int8)
        for contract in CONTRACTS:
            Emulator(network, contract).run(x)
        quantize_input(network, np.full((1, *IMAGE[1:]), 1e30))


@pytest.mark.parametrize("kind", BUILDS)
def test_scales_of_input_and_output(kind: str) -> None:
    for source, target in itertools.product(SCALES, SCALES):
        model = ModelBuilder()
        x = model.input(IMAGE)
        y = BUILDS[kind](model, x, Q(target))
        model.tensors[x].quantization = Q(source)
        if kind in ("pool", "pad"):
            model.tensors[y].quantization = Q(source)
        for tensor in model.tensors:
            if tensor.type == "int32":
                # A bias without a scale fits any input.
                tensor.quantization = None
        refused_or_run(model.finish(y))


@pytest.mark.parametrize("kind", ["conv", "depthwise", "dense"])
def test_scales_of_weights_and_biases(kind: str) -> None:
    for scale, position in itertools.product(SCALES, (1, 2)):
        model = ModelBuilder()
        y = BUILDS[kind](model, model.input(IMAGE), Q(0.1))
        model.tensors[position].quantization = Q(scale)
        refused_or_run(model.finish(y))
