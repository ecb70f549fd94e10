"""The official models of real numbers at 8 bits: KWS by its figure, the others by what their outputs keep."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.emulate import Emulator
from hwq.floating import FloatNetwork, run
from hwq.frontends import load_float
from hwq.graph import quantize_input
from hwq.graph.files import network_from_bytes, network_to_bytes
from hwq.graph.network import Network
from hwq.quantize import Quantization, quantize
from hwq.quantize.specification import CalibrationParameters, Granularity, RangeMethod, WeightQuantization
from tests.support.models import official_file, official_float_model
from tests.support.samples import real_numbers


def outputs(network: Network, x: np.ndarray) -> np.ndarray:
    """Real numbers that the quantized network's outputs stand for."""
    found = network.tensors[network.output].quantization
    codes = Emulator(network).run(quantize_input(network, x)).astype(np.float64)
    return np.asarray((codes - found.zero_point[0]) * found.scale[0])


def keywords() -> tuple[FloatNetwork, np.ndarray, np.ndarray]:
    network = load_float(official_float_model("kws"))
    return network, real_numbers("kws", network, 600, 0), np.load(official_file("kws_test_600.npz"))["y"]


def test_keyword_spotting_at_8_bits() -> None:
    """Calibrated on the first 100 samples without their labels, reported on the other 500."""
    network, x, labels = keywords()
    quantized = quantize(network, x)
    answers, real = outputs(quantized, x[100:]).argmax(axis=1), run(network, x[100:]).argmax(axis=1)
    accuracy, agreement = float(np.mean(answers == labels[100:])), float(np.mean(answers == real))
    print(f"accuracy {accuracy:.1%}, agreement {agreement:.1%}")
    assert accuracy >= 0.897 and agreement >= 0.990


@pytest.mark.parametrize("method", RangeMethod)
@pytest.mark.parametrize("granularity", Granularity)
def test_every_method_keeps_most_answers(method: RangeMethod, granularity: Granularity) -> None:
    network, x, _ = keywords()
    spec = Quantization(WeightQuantization(granularity=granularity), calibration=CalibrationParameters(40))
    spec = Quantization(spec.weights, type(spec.activations)(ranges=method), spec.calibration)
    real = run(network, x[100:300]).argmax(axis=1)
    assert np.mean(outputs(quantize(network, x, spec), x[100:300]).argmax(axis=1) == real) >= 0.96


@pytest.mark.parametrize(("name", "least_cosine", "least_agreement"), [("ic", 0.975, 0.9), ("vww", 0.995, 1.0)])
def test_image_models_keep_their_answers(name: str, least_cosine: float, least_agreement: float) -> None:
    """On made images, half of them smooth and half noise: calibrated on half of them, compared on the other."""
    expected, y, _ = halves(name)
    assert np.mean(y.argmax(axis=1) == expected.argmax(axis=1)) >= least_agreement
    assert cosine(y, expected) > least_cosine


def test_anomaly_detection_keeps_its_scores() -> None:
    """On a real recording, of which there is one: its windows, calibrated on half of them, compared on the other."""
    expected, y, x = halves("ad")
    assert cosine(y, expected) > 0.9999
    score, exact = (((values - x) ** 2).mean(axis=1) for values in (y, expected))
    assert np.abs(score / exact - 1).max() < 0.12


def halves(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outputs of the float network and of the quantized one, and what they are of."""
    network = load_float(official_float_model(name))
    x = real_numbers(name, network, 64, 7)[np.random.default_rng(7).permutation(64)]
    quantized = quantize(network, x[:32])
    return run(network, x[32:]).astype(np.float64), outputs(quantized, x[32:]), x[32:]


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float((first * second).sum() / np.sqrt((first * first).sum() * (second * second).sum()))


def test_the_same_samples_give_the_same_file_and_pieces_change_nothing() -> None:
    network, x, _ = keywords()
    first = network_to_bytes(quantize(network, x))
    assert network_to_bytes(quantize(network, x[:100])) == first
    assert network_to_bytes(network_from_bytes(first)) == first
