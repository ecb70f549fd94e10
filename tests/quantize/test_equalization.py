"""Cross-layer equalization: the function stays, and both sides of every pair reach equally far."""

from __future__ import annotations

import numpy as np

from hwq.floating import layers as real
from hwq.floating import run
from hwq.floating.folding import fold
from hwq.floating.network import FloatNetwork
from hwq.frontends import load_float
from hwq.frontends.tflite import import_float_model
from hwq.quantize import Quantization, quantize
from hwq.quantize.equalization import equalize
from hwq.quantize.evaluation import evaluate
from hwq.quantize.specification import Granularity, WeightMethod, WeightQuantization
from tests.support.float_builder import FloatModelBuilder, every_float_operator
from tests.support.models import official_float_model
from tests.support.samples import real_numbers

RANDOM = np.random.default_rng(20261124)


def values(*shape: int) -> np.ndarray:
    return (RANDOM.normal(0, 0.5, shape) * RANDOM.uniform(0.1, 5, shape[:1] + (1,) * (len(shape) - 1))).astype(
        np.float32
    )


def chain(activation: str = "RELU") -> FloatNetwork:
    """A convolution, a depthwise one, a convolution of one tap, and what reads that flat."""
    model = FloatModelBuilder()
    x = model.conv(model.image((1, 6, 5, 3)), values(4, 3, 3, 3), values(4), activation=activation)
    x = model.depthwise(x, values(4, 3, 3).transpose(1, 2, 0)[None], values(4), activation=activation)
    first = values(5, 1, 1, 4)
    first[2] = 0
    x = model.conv(x, first, values(5), activation=activation)
    x = model.dense(model.reshape(x, (1, -1)), values(7, 30 * 5), values(7), activation=activation)
    return fold(import_float_model(model.finish(model.dense(x, values(3, 7), values(3))), "chain"))


def weighted(network: FloatNetwork) -> list[real.WeightedLayer]:
    return [layer for layer in network.layers if isinstance(layer, real.WeightedLayer)]


def reach(weights: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(np.abs(np.moveaxis(weights, axis, 0)).reshape(weights.shape[axis], -1).max(axis=1))


def test_both_sides_of_a_pair_reach_equally_far_and_nothing_else_changes() -> None:
    network = chain()
    found = equalize(network)
    before, after = weighted(network), weighted(found)
    assert [type(layer) for layer in after] == [real.Conv2D, real.DepthwiseConv2D, real.Conv2D, real.Dense, real.Dense]
    for first, second, axis in ((0, 1, 2), (1, 2, 3), (3, 4, 1)):
        one = reach(after[first].weights, after[first].channel_axis)
        np.testing.assert_allclose(one, reach(after[second].weights, axis), rtol=2e-3)
        assert np.ptp(one / reach(before[first].weights, before[first].channel_axis)) > 0.1
    # An image that is read flat has several weights for each channel, and stays.
    assert (reach(after[2].weights, 0)[2], after[2].bias.tolist()) == (0, before[2].bias.tolist())
    np.testing.assert_array_equal(reach(after[3].weights, 1) > 0, reach(before[3].weights, 1) > 0)
    x = RANDOM.normal(0, 1, (20, 6, 5, 3)).astype(np.float32)
    np.testing.assert_allclose(run(found, x), run(network, x), rtol=1e-3, atol=1e-4)


def test_clamps_above_stay_where_they_are() -> None:
    network = chain("RELU6")
    for before, after in zip(weighted(network), weighted(equalize(network)), strict=True):
        assert (before.weights == after.weights).all() and (before.bias == after.bias).all()


def test_every_operator_keeps_its_function() -> None:
    network = fold(import_float_model(every_float_operator(), "every"))
    x = np.random.default_rng(5).normal(0, 1, (20, 9, 8, 4)).astype(np.float32)
    np.testing.assert_allclose(run(equalize(network), x), run(network, x), rtol=1e-4, atol=1e-5)


def test_one_scale_for_a_layer_loses_less() -> None:
    network = load_float(official_float_model("kws"))
    x = real_numbers("kws", network, 600, 0)
    weights = WeightQuantization(4, granularity=Granularity.TENSOR, method=WeightMethod.NEAREST)
    agreements = []
    for equalization in (False, True):
        quantized = quantize(network, x, Quantization(weights, equalization=equalization))
        agreements.append(evaluate(network, quantized, x, first=100).agreement)
    print(agreements)
    assert agreements[1] > agreements[0] + 0.02
