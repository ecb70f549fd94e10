"""Samples as codes of another quantization than the network's, which the file tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwq.errors import DataError
from hwq.frontends.samples import open_samples
from hwq.graph.inputs import quantize_input
from tests.support.convolutions import small_network

NETWORK = small_network()
SHAPE = NETWORK.tensors[NETWORK.input].shape
OWN = NETWORK.tensors[NETWORK.input].quantization
CODES = np.random.default_rng(0).integers(-128, 128, (5, *SHAPE)).astype(np.int8)


def read(path: Path, **arrays: Any) -> np.ndarray:
    np.savez(path / "s.npz", **arrays)
    samples = open_samples(path / "s.npz", NETWORK)
    return np.concatenate(list(samples.pieces(lambda: 2)))


def test_codes_of_the_network_stay(tmp_path: Path) -> None:
    assert np.array_equal(read(tmp_path, x=CODES), CODES)
    said = {"input_scale": OWN.scale[0], "input_zero_point": np.int8(OWN.zero_point[0])}
    assert np.array_equal(read(tmp_path, x=CODES, **said), CODES)


def test_codes_of_another_scale_are_what_they_stand_for(tmp_path: Path) -> None:
    found = read(tmp_path, x=CODES, input_scale=np.float32(0.25), input_zero_point=np.int64(3))
    real = ((CODES.astype(np.float64) - 3) * 0.25).astype(np.float32)
    assert np.array_equal(found, quantize_input(NETWORK, real))
    assert not np.array_equal(found, CODES)
    # Real numbers are real whatever stands beside them.
    assert np.array_equal(read(tmp_path, x=real, input_scale=np.float32(9), input_zero_point=np.int64(3)), found)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"input_scale": np.float32(0.1)}, "input_scale alone; integers need both"),
        ({"input_scale": np.ones(2), "input_zero_point": np.int8(0)}, r"single numbers, not of shapes \[\[2\], \[\]\]"),
        ({"input_scale": np.int8(1), "input_zero_point": np.int8(0)}, "a real number and input_zero_point an integer"),
        ({"input_scale": np.float32(0), "input_zero_point": np.int8(0)}, "input_scale is 0.0; a scale is positive"),
    ],
)
def test_what_says_nothing_is_refused(said: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=complaint):
        read(tmp_path, x=CODES, **said)
