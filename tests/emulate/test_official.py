"""The official models: every tensor the emulator computes equals the one of the program whose contract it follows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.emulate.products import DotProduct, FloatProduct
from hwq.emulate.vectors import has_vnni
from hwq.frontends import load
from hwq.numeric.requantize import Contract
from tests.support.models import OFFICIAL, official_file, official_model
from tests.support.oracles import outputs_of, tensors_of
from tests.support.samples import samples

#: Each oracle and the contract it defines.
ORACLES = {
    "tflite_micro": Contract.DOUBLE,
    "reference": Contract.F64AWAY,
    "optimized": Contract.UP2,
    "xnnpack": Contract.FP32HE,
}
PRODUCTS = [
    pytest.param(DotProduct, marks=pytest.mark.skipif(not has_vnni(), reason="this processor has no AVX-512 VNNI")),
    FloatProduct,
]


def _assert_equal(oracle: str, name: str, x: NDArray[np.int8]) -> None:
    """Every tensor after every layer, and the output of the unchanged model."""
    path = official_model(name)
    network, data = load(path), path.read_bytes()
    emulator = Emulator(network, ORACLES[oracle])
    for start in range(0, len(x), 100):
        part = x[start : start + 100]
        traced, expected = emulator.trace(part), tensors_of(oracle, data, network, part)
        assert len(expected) == len(network.layers)
        for tensor, values in expected.items():
            wrong = np.flatnonzero((traced[tensor] != values).reshape(len(part), -1).any(axis=0))
            assert not wrong.size, f"{tensor}: {wrong.size} elements differ from {oracle}, the first at {wrong[0]}"
        # With its intermediates hidden a program may fuse layers: the output of the unchanged model counts.
        output = outputs_of(oracle, data, part).reshape(len(part), -1)
        np.testing.assert_array_equal(emulator.run(part).reshape(len(part), -1), output)


@pytest.mark.parametrize("name", OFFICIAL)
@pytest.mark.parametrize("oracle", ORACLES)
def test_every_tensor_equals_the_oracles(oracle: str, name: str) -> None:
    _assert_equal(oracle, name, samples(name, load(official_model(name)), 24, seed=31))


@pytest.mark.proof
@pytest.mark.parametrize("name", OFFICIAL)
@pytest.mark.parametrize("oracle", ORACLES)
def test_every_tensor_of_a_thousand_samples_equals_the_oracles(oracle: str, name: str) -> None:
    x = samples(name, load(official_model(name)), 1200, seed=32)
    assert len(x) == 1200
    _assert_equal(oracle, name, x)


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("name", OFFICIAL)
def test_run_gives_the_output_of_trace_for_every_product_and_chunk(name: str, product: Any) -> None:
    network = load(official_model(name))
    x = samples(name, network, 21, seed=33)
    expected = Emulator(network).trace(x)[network.output]
    emulator = Emulator(network, product=product)
    for chunk in (1, 4, 21, 1000):
        emulator.chunk = chunk
        np.testing.assert_array_equal(emulator.run(x), expected)


@pytest.mark.parametrize(("contract", "correct"), [(Contract.DOUBLE, 543), (Contract.FP32HE, 542)])
def test_keyword_accuracy_on_real_samples_is_exact(contract: Contract, correct: int) -> None:
    network = load(official_model("kws"))
    with np.load(official_file("kws_test_600.npz")) as data:
        x, y = data["x"], data["y"]
    outputs = Emulator(network, contract).run(x)
    assert int((outputs.argmax(axis=1) == y).sum()) == correct
