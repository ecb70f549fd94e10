"""The comparison of a quantized network with its float network, against the same figures from whole arrays."""

from __future__ import annotations

import numpy as np

from hwq.emulate import Emulator
from hwq.floating import run
from hwq.frontends.tflite import import_float_model
from hwq.graph import quantize_input
from hwq.quantize import quantize
from hwq.quantize.evaluation import evaluate
from tests.support.float_builder import every_float_operator


def test_figures_are_those_of_the_samples_from_the_first_on() -> None:
    network = import_float_model(every_float_operator(), "every")
    x = np.random.default_rng(5).normal(0, 1, (200, 9, 8, 4)).astype(np.float32)
    labels = np.random.default_rng(6).integers(0, 5, 200)
    quantized = quantize(network, x)
    told: list[tuple[int, int]] = []
    found = evaluate(network, quantized, x, labels, first=70, progress=lambda done, total: told.append((done, total)))
    expected = run(network, x[70:])
    codes = Emulator(quantized).run(quantize_input(quantized, x[70:]))
    answers, wanted = codes.argmax(axis=1), expected.argmax(axis=1)
    assert found.samples == 130 and told[-1] == (130, 130)
    assert found.agreement == np.mean(answers == wanted)
    assert (found.accuracy, found.float_accuracy) == (np.mean(answers == labels[70:]), np.mean(wanted == labels[70:]))
    noise = (codes.astype(float) + 128) / 256 - expected
    np.testing.assert_allclose(found.noise_ratio, 10 * np.log10((expected**2).sum() / (noise**2).sum()), rtol=1e-4)
    assert evaluate(network, quantized, x).accuracy is None
