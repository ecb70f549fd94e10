"""Which values weights may have: nearest ones by brute force, codebooks, and what becomes of whole networks."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.errors import ConfigError
from hwq.frontends.tflite import import_float_model
from hwq.graph.layers import WeightedLayer
from hwq.graph.network import Network
from hwq.quantize import Quantization, quantize
from hwq.quantize.levels import EvenLevels, ListedLevels, _codebooks, channel_reach, weight_levels
from hwq.quantize.specification import (
    Granularity,
    LayerQuantization,
    LayerWeights,
    WeightMethod,
    WeightQuantization,
    WeightValues,
)
from tests.support.float_builder import every_float_operator

RANDOM = np.random.default_rng(20261124)


def quantized(spec: WeightQuantization, **layers: LayerQuantization) -> Network:
    network = import_float_model(every_float_operator(), "every")
    x = np.random.default_rng(5).normal(0, 1, (64, 9, 8, 4)).astype(np.float32)
    return quantize(network, x, Quantization(spec, layers=layers))


@pytest.mark.parametrize(
    "levels",
    [EvenLevels(-4, 3), EvenLevels(-127, 127), ListedLevels(np.sort(RANDOM.integers(-127, 127, (2, 3, 8)), 2), 127)],
)
def test_nearest(levels: EvenLevels | ListedLevels) -> None:
    x = RANDOM.normal(0, 60, (2, 3, 50))
    if isinstance(levels, EvenLevels):
        values = np.broadcast_to(np.arange(levels.low, levels.high + 1), (2, 3, levels.high - levels.low + 1))
    else:
        values = levels.values
    expected = np.abs(x[..., None] - values[:, :, None, :]).argmin(axis=3)
    assert (levels.nearest(x) == np.take_along_axis(values, expected, 2)).all()


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_powers_of_two(bits: int) -> None:
    levels = weight_levels(
        WeightQuantization(bits, values=WeightValues.POWER_OF_TWO), np.ones((1, 1, 1)), np.ones((1, 1)), np.ones((1, 1))
    )
    assert isinstance(levels, ListedLevels)
    expected = {2: [0, 1], 3: [0, 1, 2, 4], 4: [0, 1, 2, 4, 8, 16, 32, 64]}[bits]
    assert levels.values.reshape(-1).tolist() == [*(-value for value in expected[:0:-1]), *expected]
    assert levels.highest == expected[-1] and levels.values.size == 2**bits - 1


def cost(codes: np.ndarray, weights: np.ndarray, importance: np.ndarray) -> float:
    return float((importance[:, None, :] * (codes - weights) ** 2).sum())


def test_entries_of_codebooks_are_means_and_beat_even_spacing() -> None:
    weights, importance = RANDOM.laplace(0, 1, (2, 3, 200)), RANDOM.uniform(0.1, 3, (2, 200))
    reach = channel_reach(weights, shared=False)
    steps = weights / reach[..., None] * 127
    levels = weight_levels(WeightQuantization(3, values=WeightValues.CODEBOOK), weights, reach, importance)
    assert isinstance(levels, ListedLevels) and levels.values.shape == (2, 3, 8) and levels.highest == 127
    assert (levels.values == np.rint(levels.values)).all() and np.abs(levels.values).max() <= 127
    least = cost(levels.nearest(steps), steps, importance)
    even = EvenLevels(-4, 3).nearest(weights / reach[..., None] * 3) * 127 / 3
    assert least < cost(even, steps, importance) / 2
    book = _codebooks(steps, importance, 8)
    assert (levels.values == np.rint(book)).all()
    nearest = ListedLevels(book, 127).nearest(steps)
    for place in np.ndindex(2, 3, 8):
        mine = nearest[place[:2]] == book[place]
        np.testing.assert_allclose(book[place], np.average(steps[place[:2]][mine], weights=importance[place[0]][mine]))


def test_few_weights_have_an_entry_each() -> None:
    weights = RANDOM.normal(0, 1, (1, 4, 9))
    weights[0, 2] = 0
    reach = channel_reach(weights, shared=True)
    levels = weight_levels(WeightQuantization(4, values=WeightValues.CODEBOOK), weights, reach, np.zeros((1, 9)))
    steps = weights / reach.max() * 127
    assert (levels.nearest(steps) == np.rint(steps)).all()


@pytest.mark.parametrize("granularity", Granularity)
@pytest.mark.parametrize("method", WeightMethod)
@pytest.mark.parametrize("values", WeightValues)
def test_every_channel_has_no_more_values_than_bits_allow(
    values: WeightValues, method: WeightMethod, granularity: Granularity
) -> None:
    network = quantized(WeightQuantization(3, granularity=granularity, values=values, method=method))
    for layer in network.layers:
        if isinstance(layer, WeightedLayer):
            for row in layer.channel_rows:
                found = set(row.tolist())
                assert len(found) <= 8 and (len(found) > 2 or layer.name == "mul")
                if values is WeightValues.POWER_OF_TWO:
                    assert found <= {0, 1, -1, 2, -2, 4, -4}


def test_values_of_single_layers() -> None:
    network = quantized(WeightQuantization(), conv_2d=LayerQuantization(LayerWeights(2, values=WeightValues.CODEBOOK)))
    weighted = [layer for layer in network.layers if isinstance(layer, WeightedLayer)]
    sizes = {layer.name: len(set(layer.channel_rows[0].tolist())) for layer in weighted}
    assert sizes.pop("conv_2d") <= 4 and all(size > 4 for name, size in sizes.items() if name != "mul")


def test_powers_of_two_that_do_not_fit() -> None:
    with pytest.raises(ConfigError) as raised:
        quantized(
            WeightQuantization(values=WeightValues.POWER_OF_TWO),
            conv_2d=LayerQuantization(LayerWeights(5)),
            dense=LayerQuantization(LayerWeights(values=WeightValues.UNIFORM)),
        )
    text = "powers of two have up to 4 bits, 15 values, in weights of 8; not "
    assert raised.value.faults == (
        ("quantization.weights.bits", f"{text}8"),
        ("quantization.layers.conv_2d.weights.bits", f"{text}5"),
    )
