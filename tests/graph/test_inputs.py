"""Real samples become the codes TFLite's QUANTIZE gives; codes pass; the rest is refused."""

from __future__ import annotations

import warnings
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
    x = np.asarray([[3e38, -3e38, 12.3, -13.4]], np.float32)
    assert quantize_input(network, x).tolist() == [[127, -128, 127, -128]]


def test_finite_doubles_beyond_float32_saturate_without_a_warning() -> None:
    network, _ = quantizing(0.1, 5, size=4)
    x = np.asarray([[1e300, -1e300, 1e-300, 5e-324]])
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert quantize_input(network, x).tolist() == [[127, -128, 5, 5]]


def test_codes_pass() -> None:
    network, _ = quantizing(0.1, 5, size=4)
    x = np.asarray([[-128, 0, 5, 127]], np.int8)
    assert np.array_equal(quantize_input(network, x), x)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, ">i4"])
def test_codes_of_any_width_pass(dtype: str) -> None:
    network, _ = quantizing(0.1, 5, size=4)
    x = np.asarray([[-128, 0, 5, 127]], dtype)
    codes = quantize_input(network, x)
    assert codes.dtype == np.int8
    assert codes.tolist() == [[-128, 0, 5, 127]]


def test_unsigned_codes_pass_where_they_are_codes() -> None:
    network, _ = quantizing(0.1, 5, size=4)
    assert quantize_input(network, np.asarray([[0, 1, 126, 127]], np.uint64)).tolist() == [[0, 1, 126, 127]]


def wrong(value: object, dtype: object) -> np.ndarray:
    """Three samples of 4 elements, whose second has ``value`` twice."""
    x = np.zeros((3, 4), dtype)  # type: ignore[call-overload]
    x[1, 2:] = value
    return x


@pytest.mark.parametrize(
    "x, message",
    [
        (np.zeros((2, 5), np.float32), r"samples have shape \[2, 5\]; the input of quantizing needs \[N, 4\]"),
        (np.zeros(4, np.float32), r"samples have shape \[4\]"),
        (np.zeros((), np.float32), r"samples have shape \[\]"),
        (np.zeros((2, 4), bool), "samples are bool; the input of quantizing takes int8 codes or floats"),
        (np.zeros((2, 4), complex), "samples are complex128"),
        (np.zeros((2, 4), "m8[s]"), "samples are timedelta64"),
        (wrong(128, np.int64), r"^sample 1, element \[2\] is 128, no int8 code: those are -128..127$"),
        (wrong(-129, np.int16), r"^sample 1, element \[2\] is -129, no int8 code"),
        (wrong(2**64 - 1, np.uint64), r"^sample 1, element \[2\] is 18446744073709551615, no int8 code"),
        (wrong(200, np.uint8), r"^sample 1, element \[2\] is 200, no int8 code"),
        (wrong(np.nan, np.float32), r"^sample 1, element \[2\] is nan; samples are finite numbers$"),
        (wrong(np.inf, np.float32), r"^sample 1, element \[2\] is inf"),
        (wrong(-np.inf, np.float64), r"^sample 1, element \[2\] is -inf"),
    ],
)
def test_samples_that_do_not_fit(x: np.ndarray, message: str) -> None:
    network, _ = quantizing(0.1, 5, size=4)
    with pytest.raises(DataError, match=message):
        quantize_input(network, x)


def test_messages_count_from_the_first_sample_of_all() -> None:
    network, _ = quantizing(0.1, 5, size=4)
    with pytest.raises(DataError, match=r"^sample 33, element \[2\] is 300"):
        quantize_input(network, wrong(300, np.int64), first=32)
