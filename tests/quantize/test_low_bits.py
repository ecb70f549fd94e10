"""Keyword spotting on few bits, by its figures: calibrated on 100 samples without labels, reported on the other 500.

Accuracy has a standard error of 1.3 points there; agreement with the float network's answers is the sharper measure.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from hwq.emulate import Emulator
from hwq.floating import FloatNetwork, run
from hwq.frontends import load_float
from hwq.graph import quantize_input
from hwq.graph.layers import WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.bounds import code_bits
from hwq.quantize import Quantization, quantize
from hwq.quantize.specification import (
    ActivationQuantization,
    LayerQuantization,
    LayerWeights,
    WeightMethod,
    WeightQuantization,
    WeightValues,
)
from tests.support.models import official_file, official_float_model
from tests.support.samples import real_numbers


@cache
def keywords() -> tuple[FloatNetwork, np.ndarray, np.ndarray, np.ndarray]:
    """Network, samples, labels and the float network's answers."""
    network = load_float(official_float_model("kws"))
    x = real_numbers("kws", network, 600, 0)
    return network, x, np.load(official_file("kws_test_600.npz"))["y"], run(network, x).argmax(axis=1)


def figures(quantized: Network) -> tuple[float, float]:
    """Accuracy and agreement, in percent."""
    _, x, labels, answers = keywords()
    found = Emulator(quantized).run(quantize_input(quantized, x[100:])).argmax(axis=1)
    accuracy, agreement = (round(100 * float(np.mean(found == wanted[100:])), 1) for wanted in (labels, answers))
    print(f"{accuracy} / {agreement}")
    return accuracy, agreement


def quantized(weights: WeightQuantization, activations: int) -> Network:
    return quantize(*keywords()[:2], Quantization(weights, ActivationQuantization(activations)))


@pytest.mark.parametrize(
    ("weights", "activations", "accuracy", "agreement"),
    [(4, 8, 89.5, 97), (3, 8, 89, 95.5), (4, 4, 87, 93), (8, 4, 87, 93), (2, 8, 83, 87)],
)
def test_what_few_bits_keep(weights: int, activations: int, accuracy: float, agreement: float) -> None:
    network = quantized(WeightQuantization(weights), activations)
    found = figures(network)
    assert found[0] >= accuracy and found[1] >= agreement


def test_2_bits_between_a_first_and_a_last_layer_of_8() -> None:
    network, x, *_ = keywords()
    wide = LayerQuantization(LayerWeights(8))
    spec = Quantization(WeightQuantization(2), layers={"conv2d": wide, "dense": wide})
    found = quantize(network, x, spec)
    widths = [code_bits(layer.values, signs=False) for layer in found.layers if isinstance(layer, WeightedLayer)]
    assert widths == [8, *[2] * 8, 8]
    accuracy, agreement = figures(found)
    assert accuracy >= 86.5 and agreement >= 91


@pytest.mark.parametrize(
    ("values", "bits", "accuracy", "agreement"),
    [
        (WeightValues.CODEBOOK, 4, 89.7, 98),
        (WeightValues.CODEBOOK, 2, 86.5, 91),
        (WeightValues.POWER_OF_TWO, 3, 88.5, 95),
    ],
)
def test_values_that_are_not_evenly_spaced(values: WeightValues, bits: int, accuracy: float, agreement: float) -> None:
    found = figures(quantized(WeightQuantization(bits, values=values), 8))
    assert found[0] >= accuracy and found[1] >= agreement


def test_corrected_biases_alone_repair_most_of_what_rounding_does() -> None:
    plain = WeightQuantization(4, method=WeightMethod.NEAREST)
    repaired = WeightQuantization(4, method=WeightMethod.NEAREST, bias_correction=True)
    before, after = (figures(quantized(weights, 8)) for weights in (plain, repaired))
    assert before[0] < 84 and before[1] < 90 and after[0] >= 89 and after[1] >= 96
