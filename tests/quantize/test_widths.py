"""Which tensors have the bits that a project asks for, and which stay at 8."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.emulate import Emulator
from hwq.errors import ConfigError
from hwq.floating import run
from hwq.frontends import load_float
from hwq.frontends.tflite import import_float_model
from hwq.graph import quantize_input
from hwq.graph.layers import WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.bounds import code_bits
from hwq.quantize import Quantization, quantize
from hwq.quantize.specification import (
    ActivationQuantization,
    Granularity,
    LayerActivations,
    LayerQuantization,
    LayerWeights,
    Scheme,
    WeightMethod,
    WeightQuantization,
)
from tests.support.float_builder import FloatModelBuilder, every_float_operator
from tests.support.models import official_float_model
from tests.support.samples import real_numbers

SEED = 20261124


@pytest.mark.parametrize("method", WeightMethod)
@pytest.mark.parametrize("scheme", Scheme)
@pytest.mark.parametrize("bits", [2, 3, 4, 7])
def test_every_operator(bits: int, scheme: Scheme, method: WeightMethod) -> None:
    network = import_float_model(every_float_operator(SEED), "every")
    x = np.random.default_rng(SEED).normal(0, 1, (64, 9, 8, 4)).astype(np.float32)
    spec = Quantization(WeightQuantization(bits, method=method), ActivationQuantization(bits, scheme))
    quantized = quantize(network, x, spec)
    widths = {tensor.quantization.format.width for tensor in quantized.tensors.values()}
    assert widths == {bits, 8}
    weights = [layer.weights for layer in quantized.layers if isinstance(layer, WeightedLayer)]
    assert {code_bits(codes, signs=False) for codes in weights} == {bits}
    if method is WeightMethod.NEAREST:
        assert {int(np.abs(codes).max()) for codes in weights} == {2 ** (bits - 1) - 1}
    y = (Emulator(quantized).run(quantize_input(quantized, x)).astype(float) + 128) / 256
    assert np.abs(y - run(network, x)).mean() < 0.5 / 2**bits


def test_keyword_spotting_keeps_its_ends_and_its_averages() -> None:
    network = load_float(official_float_model("kws"))
    spec = Quantization(activations=ActivationQuantization(4))
    quantized = quantize(network, real_numbers("kws", network, 20, 0), spec)
    wide = [name for name, tensor in quantized.tensors.items() if tensor.quantization.format.width == 8]
    # The average copies codes, so that what it reads has those of what it gives.
    assert wide == ["input_1", "conv2d_4", "average_pooling2d", "flatten", "dense", "softmax"]
    assert {quantized.tensors[name].quantization.format.width for name in quantized.tensors if name not in wide} == {4}


def test_a_mean_reads_few_bits_and_gives_8_to_a_dense_layer() -> None:
    model = FloatModelBuilder()
    weights = np.random.default_rng(SEED).normal(0, 1, (5, 3)).astype(np.float32)
    y = model.unary("RELU", model.image((1, 6, 5, 3)), output=None)
    y = model.reshape(model.mean(y, (1, 2), output=None), (1, -1))
    y = model.unary("RELU", model.dense(y, weights, None), output=None)
    network = import_float_model(model.finish(model.unary("RELU6", y, output=None)), "means")
    x = np.random.default_rng(SEED).normal(0, 1, (20, 6, 5, 3))
    quantized = quantize(network, x, Quantization(activations=ActivationQuantization(3)))
    found = [quantized.tensors[layer.output].quantization.format.width for layer in quantized.layers]
    assert found == [3, 8, 8, 3, 8]


def quantized(**layers: LayerQuantization) -> Network:
    network = import_float_model(every_float_operator(SEED), "every")
    x = np.random.default_rng(SEED).normal(0, 1, (20, 9, 8, 4)).astype(np.float32)
    return quantize(network, x, Quantization(WeightQuantization(4), ActivationQuantization(4), layers=layers))


def test_layers_may_be_different() -> None:
    own = LayerQuantization(LayerWeights(8, Granularity.TENSOR, method=WeightMethod.NEAREST), LayerActivations(6))
    plain, found = quantized(), quantized(conv_2d=own)
    for before, after in zip(plain.layers, found.layers, strict=True):
        if isinstance(after, WeightedLayer):
            assert code_bits(after.values, signs=False) == (8 if after.name == "conv_2d" else 4)
            assert after.weight_quantization.per_channel is (after.name != "conv_2d")
        was, now = (
            network.tensors[layer.output].quantization.format.width
            for network, layer in ((plain, before), (found, after))
        )
        assert now == (6 if after.name == "conv_2d" else was)


def test_of_layers_that_share_a_scale_the_widest_counts_and_8_bits_can_be_given_up() -> None:
    network = load_float(official_float_model("kws"))
    x = real_numbers("kws", network, 20, 0)
    layers = {
        name: LayerQuantization(activations=LayerActivations(bits))
        for name, bits in {"average_pooling2d": 3, "flatten": 5, "dense": 6}.items()
    }
    spec = Quantization(activations=ActivationQuantization(4), layers=layers)
    tensors = quantize(network, x, spec).tensors
    widths = {
        name: tensors[name].quantization.format.width for name in ("conv2d_4", "average_pooling2d", "flatten", "dense")
    }
    assert list(widths.values()) == [5, 5, 5, 6]


def test_layers_that_cannot_be_different() -> None:
    with pytest.raises(ConfigError) as raised:
        quantized(
            conv_2e=LayerQuantization(LayerWeights(8)),
            nothing=LayerQuantization(),
            softmax=LayerQuantization(LayerWeights(8), LayerActivations(7)),
            conv_2d=LayerQuantization(LayerWeights(8), LayerActivations(8)),
        )
    faults = dict(raised.value.faults)
    assert faults.pop("quantization.layers.nothing").startswith("every has no such layer; there are conv_2d, ")
    assert faults == {
        "quantization.layers.conv_2e": "every has no such layer; did you mean conv_2d?",
        "quantization.layers.softmax.weights": "the layer has no weights",
        "quantization.layers.softmax.activations.bits": "the scale of what the layer gives is fixed, and has 8 bits",
    }
