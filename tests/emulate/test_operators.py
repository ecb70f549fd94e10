"""Every operator alone, random in all its parameters: the emulator equals the program whose contract it follows."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.emulate.products import DotProduct, FloatProduct
from hwq.emulate.vectors import has_vnni
from hwq.frontends.tflite import import_model
from tests.emulate.test_official import ORACLES
from tests.support.oracles import LiteRt, TfliteMicro
from tests.support.random_models import ELEMENTWISE, OPERATORS, elementwise


def _expected(oracle: str, data: bytes, x: NDArray[np.int8]) -> NDArray[np.int8]:
    return (TfliteMicro(data) if oracle == "tflite_micro" else LiteRt(data, oracle)).run(x)


def _rng(kind: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(kind.encode()), seed])


def _assert_equal(kind: str, oracle: str, seed: int) -> None:
    rng = _rng(kind, seed)
    data = OPERATORS[kind](rng)
    network = import_model(data, kind)
    x = rng.integers(-128, 128, (7, *network.tensors[network.input].shape), dtype=np.int8)
    expected = _expected(oracle, data, x)
    for product in (DotProduct, FloatProduct) if has_vnni() else (FloatProduct,):
        y = Emulator(network, ORACLES[oracle], product).run(x)
        np.testing.assert_array_equal(y.reshape(expected.shape), expected, err_msg=f"{product.__name__}")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("kind", OPERATORS)
def test_operator_equals_the_oracle(kind: str, oracle: str, seed: int) -> None:
    _assert_equal(kind, oracle, seed)


@pytest.mark.proof
@pytest.mark.parametrize("first", range(100, 500, 50))
@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("kind", OPERATORS)
def test_operator_equals_the_oracle_in_many_forms(kind: str, oracle: str, first: int) -> None:
    for seed in range(first, first + 50):
        _assert_equal(kind, oracle, seed)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("same_scale", [False, True])
@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("kind", ELEMENTWISE)
def test_every_code_of_an_elementwise_operator_equals_the_oracle(
    kind: str, oracle: str, same_scale: bool, seed: int
) -> None:
    if oracle == "tflite_micro" and (kind == "RELU_N1_TO_1" or (kind == "RELU6" and not same_scale)):
        pytest.skip("tflite-micro has no RELU_N1_TO_1, and its RELU6 does not rescale: LiteRT's reference is followed")
    if same_scale and kind in ("LOGISTIC", "TANH"):
        pytest.skip("their output's scale is prescribed")
    data = elementwise(kind, _rng(kind, seed), same_scale=same_scale)
    network = import_model(data, "elementwise")
    x = np.arange(-128, 128).astype(np.int8).reshape(1, 16, 16, 1)
    expected = _expected(oracle, data, x)
    np.testing.assert_array_equal(Emulator(network, ORACLES[oracle]).run(x), expected)
