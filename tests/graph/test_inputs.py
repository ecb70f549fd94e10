"""Real samples become the codes TFLite's QUANTIZE gives; codes pass; the rest is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwq.errors import DataError
from hwq.frontends.tflite import import_model
from hwq.graph import quantize_input
from hwq.graph.network import Network
from tests.support.tflite_builder import ModelBuilder, Q


def quantizing(scale: float, zero_point: int, output_type: str = "int8", size: int = 4096) -> tuple[Network, bytes]:
    """A model of a QUANTIZE (and a copy of its codes), and the file."""
    model = ModelBuilder()
    x = model.input((1, size), type="float32")
    q = model.unary("QUANTIZE", x, output=Q(scale, zero_point))
    data = model.finish(model.reshape(q, (1, size, 1)))
    return import_model(data, Path("quantizing").stem), data


@pytest.mark.parametrize("scale, zero_point", [(0.05, -3), (0.0078125, 0), (1.0, -128), (0.58470291, 83)])
def test_floats_become_the_codes_of_tflite_micro(scale: float, zero_point: int) -> None:
    from tflite_micro.python.tflite_micro import runtime

    network, data = quantizing(scale, zero_point)
    rng = np.random.default_rng(17)
    steps = rng.uniform(-300, 300, 4096)
    ties = np.arange(-300, 300) + 0.5
    steps[: ties.size] = ties
    x = (steps * np.float32(scale)).astype(np.float32)[np.newaxis]
    x[0, ties.size :: 7] = np.nextafter(x[0, ties.size :: 7], np.float32(0))
    interpreter = runtime.Interpreter.from_bytes(data, arena_size=1 << 20)
    interpreter.set_input(x, 0)
    interpreter.invoke()
    codes = quantize_input(network, x)
    assert codes.dtype == np.int8
    assert np.array_equal(codes, interpreter.get_output(0).reshape(codes.shape))


def test_half_below_is_not_rounded_up() -> None:
    network, _ = quantizing(1.0, 0, size=3)
    x = np.asarray([[0.49999997, 0.5, -0.49999997]], np.float32)
    assert quantize_input(network, x).tolist() == [[0, 1, 0]]


def test_extremes_saturate() -> None:
    network, _ = quantizing(0.1, 5, size=4)
    x = np.asarray([[np.inf, -np.inf, 3e38, -3e38]], np.float32)
    assert quantize_input(network, x).tolist() == [[127, -128, 127, -128]]


def test_codes_pass() -> None:
    network, _ = quantizing(0.1, 5, size=4)
    x = np.asarray([[-128, 0, 5, 127]], np.int8)
    assert np.array_equal(quantize_input(network, x), x)


@pytest.mark.parametrize(
    "x, message",
    [
        (np.zeros((2, 5), np.float32), r"samples have shape \[2, 5\]; the input of quantizing needs \[N, 4\]"),
        (np.zeros(4, np.float32), r"samples have shape \[4\]"),
        (np.zeros((), np.float32), r"samples have shape \[\]"),
        (np.zeros((2, 4), np.int32), "samples are int32; the input of quantizing takes int8 codes or floats"),
        (np.zeros((2, 4), np.uint8), "samples are uint8"),
        (np.full((2, 4), np.nan, np.float32), "samples hold NaN"),
    ],
)
def test_samples_that_do_not_fit(x: np.ndarray, message: str) -> None:
    network, _ = quantizing(0.1, 5, size=4)
    with pytest.raises(DataError, match=message):
        quantize_input(network, x)
