"""Networks of every kind of layer: what becomes of each, which scales are shared, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hwq.emulate import Emulator
from hwq.errors import ConfigError, DataError, ModelError
from hwq.floating import run
from hwq.frontends.tflite import import_float_model
from hwq.graph import layers, quantize_input
from hwq.graph.network import Network
from hwq.numeric.bounds import accumulator_bounds
from hwq.quantize import Quantization, quantize
from hwq.quantize.specification import (
    ActivationQuantization,
    CalibrationParameters,
    Granularity,
    Scheme,
    WeightQuantization,
)
from tests.support.float_builder import FloatModelBuilder, every_float_operator

SEED = 20261124
RNG = np.random.default_rng(SEED)


def values(*shape: int) -> np.ndarray:
    return RNG.normal(0, 0.5, shape).astype(np.float32)


def built(build: Callable[[FloatModelBuilder, int], int], spec: Quantization | None = None) -> Network:
    model = FloatModelBuilder()
    network = import_float_model(model.finish(build(model, model.image((1, 6, 5, 3)))), "built")
    return quantize(network, RNG.normal(0, 1, (20, 6, 5, 3)), spec)


@pytest.mark.parametrize("granularity", Granularity)
@pytest.mark.parametrize("scheme", Scheme)
def test_every_operator(granularity: Granularity, scheme: Scheme) -> None:
    network = import_float_model(every_float_operator(SEED), "every")
    x = np.random.default_rng(SEED).normal(0, 1, (64, 9, 8, 4)).astype(np.float32)
    spec = Quantization(WeightQuantization(granularity=granularity), ActivationQuantization(scheme=scheme))
    quantized = quantize(network, x, spec)
    kinds = {type(layer) for layer in quantized.layers}
    # The factors behind the convolutions are in their weights, so no layer is left that is not hwq's own.
    assert kinds >= {*layers.KINDS} - {layers.Requantize}
    y = (Emulator(quantized).run(quantize_input(quantized, x)).astype(float) + 128) / 256
    assert np.abs(y - run(network, x)).max() < 0.02
    per_channel = {layer.weight_quantization.per_channel for layer in quantized.layers if hasattr(layer, "bias")}
    assert per_channel == {granularity is Granularity.CHANNEL}
    if scheme is Scheme.SYMMETRIC:
        free = [
            tensor for name, tensor in quantized.tensors.items() if "softmax" not in name and "logistic" not in name
        ]
        assert not any(tensor.quantization.zero_point.any() for tensor in free)


def test_layers_that_copy_codes_share_scales() -> None:
    def build(model: FloatModelBuilder, x: int) -> int:
        y = model.conv(x, values(3, 1, 1, 3), values(3))
        z = model.pool_2d("MAX_POOL_2D", x, (1, 1))
        return model.reshape(model.concatenation([y, z, x], 3), (1, -1))

    network = built(build)
    assert len({float(tensor.quantization.scale[0]) for tensor in network.tensors.values()}) == 1
    assert not any(isinstance(layer, layers.Requantize) for layer in network.layers)


def test_fixed_scales_are_changed_before_a_concatenation() -> None:
    def build(model: FloatModelBuilder, x: int) -> int:
        y = model.pool_2d("MAX_POOL_2D", model.unary("LOGISTIC", x, output=None), (1, 1))
        return model.concatenation([y, x, model.unary("TANH", x, output=None)], 3)

    network = built(build)
    join = network.layers[-1]
    assert isinstance(join, layers.Concatenation)
    changed = [layer.output for layer in network.layers if isinstance(layer, layers.Requantize)]
    assert len(changed) == 2 and join.inputs == (changed[0], network.input, changed[1])
    pooled = next(layer for layer in network.layers if isinstance(layer, layers.Pool2D))
    assert network.tensors[pooled.output].quantization.scale[0] == np.float32(1 / 256)


def test_weights_reach_the_largest_code_in_every_channel() -> None:
    weights, bias = values(4, 3, 3, 3), values(4)
    network = built(lambda model, x: model.conv(x, weights, bias, activation="RELU6"))
    layer = network.layers[0]
    assert isinstance(layer, layers.Conv2D)
    assert np.abs(layer.channel_rows).max(axis=1).tolist() == [127] * 4
    assert (layer.weight_quantization.scale == np.abs(weights).max(axis=(1, 2, 3)) / np.float32(127)).all()
    step = network.tensors[network.input].quantization.scale[0] * layer.weight_quantization.scale.astype(float)
    assert np.abs(layer.bias * step - bias).max() <= step.max() / 2
    assert layer.clamp[0] == network.tensors[layer.output].quantization.zero_point[0]


def test_a_bias_beyond_the_accumulator_makes_its_channel_coarser() -> None:
    weights, bias = values(3, 1, 1, 3), np.asarray([0, 1e4, 3], np.float32)
    weights[1] *= np.float32(1e-6)
    weights[2] = 0
    network = built(lambda model, x: model.conv(x, weights, bias))
    layer = network.layers[0]
    assert isinstance(layer, layers.Conv2D)
    scale = network.tensors[network.input].quantization.scale[0] * layer.weight_quantization.scale.astype(float)
    np.testing.assert_allclose(layer.bias * scale, bias, rtol=1e-6)
    low, high = accumulator_bounds(layer.channel_rows, -255, 255)
    assert (high + layer.bias < 2**31).all() and (low + layer.bias >= -(2**31)).all()


def test_a_factor_that_nothing_takes_is_refused() -> None:
    def build(model: FloatModelBuilder, x: int) -> int:
        y = model.reshape(x, (1, -1))
        return model.arithmetic("MUL", y, model.constant(values(90)))

    with pytest.raises(ModelError, match="layer mul: a factor for each channel that no layer before it takes"):
        built(build)


def test_what_is_not_available_is_refused_by_name() -> None:
    spec = Quantization(WeightQuantization(scheme=Scheme.ASYMMETRIC))
    with pytest.raises(ConfigError) as raised:
        built(lambda model, x: model.unary("RELU", x, output=None), spec)
    assert raised.value.faults == (
        ("quantization.weights.scheme", "asymmetric weights are not available; symmetric ones are"),
    )


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (
            np.zeros((4, 6, 5, 2), np.float32),
            r"samples have shape \[4, 6, 5, 2\]; the input of net needs \[N, 6, 5, 3\]",
        ),
        (np.zeros((4, 6, 5, 3), np.int8), "samples are int8; the input of net takes real numbers"),
        (np.full((4, 6, 5, 3), np.nan, np.float32), r"sample 0, element \[0, 0, 0\] is nan"),
        (np.full((4, 6, 5, 3), 1e300), r"sample 0, element \[0, 0, 0\] is inf"),
        (np.full((4, 6, 5, 3), 1e38, np.float32), "a sample makes tensor '.*' infinite"),
        (np.zeros((0, 6, 5, 3), np.float32), "calibration needs samples, and there are none"),
        (np.zeros((2, 6, 5, 3), np.float32), "calibration.samples asks for 3 samples, and the data holds 2"),
    ],
)
def test_samples_that_do_not_fit(x: np.ndarray, message: str) -> None:
    model = FloatModelBuilder()
    image = model.image((1, 6, 5, 3))
    y = model.conv(image, np.full((2, 3, 3, 3), 3, np.float32), None)
    network = import_float_model(model.finish(y), "net")
    with pytest.raises(DataError, match=message):
        quantize(network, x, Quantization(calibration=CalibrationParameters(3)))


def test_progress_ends_with_all() -> None:
    told: list[tuple[int, int]] = []
    model = FloatModelBuilder()
    network = import_float_model(model.finish(model.unary("RELU", model.image((1, 9)), output=None)), "net")
    quantize(network, values(150, 9), progress=lambda done, total: told.append((done, total)))
    assert told == [(64, 200), (100, 200), (164, 200), (200, 200)]
