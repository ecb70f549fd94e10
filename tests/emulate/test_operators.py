"""Every operator alone, random in all its parameters: the emulator equals the program whose contract it follows."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from hwq.emulate import Emulator
from hwq.emulate.products import DotProduct, FloatProduct
from hwq.emulate.vectors import has_vnni
from hwq.frontends.tflite import import_model
from hwq.numeric.requantize import quantize_multiplier, requantize
from tests.emulate.test_official import ORACLES
from tests.support.oracles import outputs_of
from tests.support.random_models import ELEMENTWISE, OPERATORS, elementwise
from tests.support.tflite_builder import ModelBuilder, Q


def _rng(kind: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(kind.encode()), seed])


def _assert_equal(kind: str, oracle: str, seed: int) -> None:
    rng = _rng(kind, seed)
    data = OPERATORS[kind](rng)
    network = import_model(data, kind)
    x = rng.integers(-128, 128, (7, *network.tensors[network.input].shape), dtype=np.int8)
    expected = outputs_of(oracle, data, x)
    for product in (DotProduct, FloatProduct) if has_vnni() else (FloatProduct,):
        y = Emulator(network, ORACLES[oracle], product).run(x)
        np.testing.assert_array_equal(y.reshape(expected.shape), expected, err_msg=f"{product.__name__}")


@pytest.mark.parametrize("seed", range(4))
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


def _elementwise_cases() -> list[tuple[str, str, bool]]:
    """Every operator with every oracle that has it, with an output scale of its own and, where it may, the input's.

    tflite-micro has no RELU_N1_TO_1, and its RELU6 takes the input's scale for the output's: there LiteRT's reference
    kernel, which is the same arithmetic otherwise, is followed.
    """
    cases = []
    for kind in ELEMENTWISE:
        for oracle in ORACLES:
            micro = oracle == "tflite_micro"
            if not micro or kind not in ("RELU_N1_TO_1", "RELU6"):
                cases.append((kind, oracle, False))
            if kind not in ("LOGISTIC", "TANH") and not (micro and kind == "RELU_N1_TO_1"):
                cases.append((kind, oracle, True))
    return cases


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("kind", "oracle", "same_scale"), _elementwise_cases())
def test_every_code_of_an_elementwise_operator_equals_the_oracle(
    kind: str, oracle: str, same_scale: bool, seed: int
) -> None:
    data = elementwise(kind, _rng(kind, seed), same_scale=same_scale)
    network = import_model(data, "elementwise")
    x = np.arange(-128, 128).astype(np.int8).reshape(1, 16, 16, 1)
    expected = outputs_of(oracle, data, x)
    np.testing.assert_array_equal(Emulator(network, ORACLES[oracle]).run(x), expected)


@pytest.mark.parametrize("oracle", ["tflite_micro", "reference", "optimized"])
def test_dense_scales_follow_the_oracle_where_roundings_of_the_scale_differ(oracle: str) -> None:
    """Accumulators, given as biases, for which float32 and double products of the scales give different codes."""
    found = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        source, weight, target = np.float32(rng.uniform([0.01, 0.01, 0.3], [0.1, 0.1, 3.0]))
        double = float(source) * float(weight) / float(target)
        single = float(source * weight) / float(target)
        reach = np.arange(-int(127 / double), int(127 / double), dtype=np.int64)
        codes = [requantize(reach, *quantize_multiplier(scale)) for scale in (double, single)]
        bias = reach[codes[0] != codes[1]][:64]
        if not bias.size:
            continue
        found += bias.size
        model = ModelBuilder()
        x = model.input((1, 4), scale=float(source), zero_point=0)
        weights = np.ones((bias.size, 4), np.int8)
        y = model.fully_connected(
            x, weights, bias.astype(np.int32), weight_scale=float(weight), output=Q(float(target), 0)
        )
        data = model.finish(y)
        zeros = np.zeros((1, 4), np.int8)
        expected = outputs_of(oracle, data, zeros)
        np.testing.assert_array_equal(Emulator(import_model(data, "dense"), ORACLES[oracle]).run(zeros), expected)
    assert found > 10


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("channels", [7, 8, 15, 16, 24, 41])
def test_halves_in_means_go_where_the_oracle_sends_them(channels: int, oracle: str) -> None:
    """Means of eight codes at one scale: one in eight is a tie. LiteRT's vectors and their remainder differ."""
    rng = _rng("halves", channels)
    model = ModelBuilder()
    x = model.input((1, 2, 4, channels), 0.05, int(rng.integers(-128, 128)))
    data = model.finish(model.mean(x, (1, 2), output=model.quantization(x), keep_dims=True))
    codes = rng.integers(-128, 128, (50, 2, 4, channels), dtype=np.int8)
    y = Emulator(import_model(data, "halves"), ORACLES[oracle]).run(codes)
    np.testing.assert_array_equal(y, outputs_of(oracle, data, codes))
