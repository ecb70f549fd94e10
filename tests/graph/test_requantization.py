"""Effective scales bit by bit, activation ranges by exact arithmetic."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from hwq.graph.layers import ActivationKind, Conv2D, Dense, DepthwiseConv2D, WeightedLayer
from hwq.graph.requantization import activation_clamp, effective_scales
from hwq.graph.tensors import Quantization
from hwq.numeric.formats import INT8
from tests.graph.networks import network_of_every_layer, quantization


def scales(name: str) -> tuple[np.ndarray, float, np.ndarray, float]:
    network = network_of_every_layer()
    layer = network.layer(name)
    assert isinstance(layer, WeightedLayer)
    source = network.tensors[layer.inputs[0]].quantization.scale[0]
    target = network.tensors[layer.output].quantization.scale[0]
    return effective_scales(network, layer), source, layer.weight_quantization.scale, target


@pytest.mark.parametrize("name, channels", [("conv", 6), ("depthwise", 12)])
def test_convolutions_multiply_in_double(name: str, channels: int) -> None:
    actual, source, weights, target = scales(name)
    assert actual.dtype == np.float64 and actual.shape == (channels,)
    assert actual.tolist() == [float(source) * float(w) / float(target) for w in weights]


def test_dense_with_one_scale_multiplies_in_double() -> None:
    actual, source, weights, target = scales("dense")
    assert actual.tolist() == [float(source) * float(weights[0]) / float(target)] * 5
    # LiteRT's optimized kernel rounds the product to float32: here that would be another factor.
    assert actual[0] != float(np.float32(source) * np.float32(weights[0])) / float(target)


def test_dense_with_a_scale_a_channel_multiplies_in_double() -> None:
    network = network_of_every_layer()
    layer = network.layer("dense")
    assert isinstance(layer, Dense)
    weights = np.linspace(0.01, 0.03, 5).astype(np.float32)
    layer = replace(layer, weight_quantization=Quantization(INT8, weights, np.zeros(5, np.int32), 0))
    source = network.tensors[layer.inputs[0]].quantization.scale[0]
    target = network.tensors[layer.output].quantization.scale[0]
    assert effective_scales(network, layer).tolist() == [float(source) * float(w) / float(target) for w in weights]


def test_channel_rows() -> None:
    network = network_of_every_layer()
    depthwise, conv = network.layer("depthwise"), network.layer("conv")
    assert isinstance(depthwise, DepthwiseConv2D) and isinstance(conv, Conv2D)
    rows = depthwise.channel_rows
    assert rows.shape == (12, 9) and np.array_equal(rows[7], depthwise.weights[:, :, 7].reshape(-1))
    assert np.array_equal(conv.channel_rows[4], conv.weights[4].reshape(-1))


REAL = {
    None: (None, None),
    ActivationKind.RELU: (0, None),
    ActivationKind.RELU6: (0, 6),
    ActivationKind.RELU_N1_TO_1: (-1, 1),
}


@pytest.mark.parametrize("kind", REAL)
@pytest.mark.parametrize("zero_point", [-128, -5, 0, 127])
def test_activation_clamp(kind: ActivationKind | None, zero_point: int) -> None:
    """Steps are float32 quotients, rounded half away from zero; the range never leaves the format or turns around."""
    for scale in (1e-9, 0.01, 0.0235, 0.1, 0.4, 2.0, 4.0, 12.0, 1e9):
        quantized = quantization(scale, zero_point)

        def code(bound: int | None, otherwise: int, quantized: Quantization = quantized) -> int:
            if bound is None:
                return otherwise
            steps = Fraction(float(np.float32(bound) / quantized.scale[0]))
            rounded = int(abs(steps) + Fraction(1, 2)) * (1 if steps >= 0 else -1)
            return min(max(zero_point + rounded, -128), 127)

        low, high = REAL[kind]
        assert activation_clamp(kind, quantized) == (code(low, -128), code(high, 127)), scale
