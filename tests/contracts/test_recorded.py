"""Recorded outputs are read by every name that tensors have, and what is none is refused with its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwq.contracts.recorded import open_recorded
from hwq.emulate import Emulator
from hwq.errors import DataError
from hwq.graph.inputs import random_samples
from tests.graph.networks import network_of_every_layer

NETWORK = network_of_every_layer()
X = random_samples(NETWORK, 3, 4)
TENSORS = Emulator(NETWORK).trace(X)
OUTPUT = TENSORS[NETWORK.output]


def _saved(folder: Path, **arrays: np.ndarray) -> Path:
    path = folder / "recorded.npz"
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("name", ["y", "whatever", "arr_0", NETWORK.output])
def test_a_single_array_is_the_output(name: str, tmp_path: Path) -> None:
    found = open_recorded(_saved(tmp_path, **{name: OUTPUT}), NETWORK)
    assert found.count == 3
    assert found.input is None
    np.testing.assert_array_equal(found.tensors(X)[NETWORK.output], OUTPUT)


def test_a_single_array_named_after_a_layer_is_that_layer(tmp_path: Path) -> None:
    found = open_recorded(_saved(tmp_path, conv=TENSORS["conv"]), NETWORK).tensors(X)
    assert set(found) == {NETWORK.input, "conv"}


def test_names_are_of_layers_or_of_the_models_tensors(tmp_path: Path) -> None:
    arrays = {"model/conv": TENSORS["conv"], "leaky": TENSORS["leaky"][:, None].astype(np.int64), "y": OUTPUT, "x": X}
    found = open_recorded(_saved(tmp_path, **arrays), NETWORK)
    np.testing.assert_array_equal(found.input, X)
    tensors = found.tensors(X)
    for name in ("conv", "leaky", NETWORK.output):
        assert tensors[name].dtype == TENSORS[name].dtype
        np.testing.assert_array_equal(tensors[name], TENSORS[name])


REFUSED = {
    "unknown": ({"conw": TENSORS["conv"], "y": OUTPUT}, "has no tensor 'conw'; did you mean conv?"),
    "unlike any": ({"zzz": OUTPUT, "y": OUTPUT}, "has no tensor 'zzz'; arrays are named after layers"),
    "twice": ({"conv": TENSORS["conv"], "model/conv": TENSORS["conv"]}, "model/conv is tensor conv of"),
    "shape": ({"conv": TENSORS["conv"][:, 1:]}, r"conv: it has shape \[3, 7, 6, 6\]; tensor conv needs \[N, 8, 6, 6\]"),
    "scalar": ({"conv": np.int8(3)}, r"conv: it has shape \[\]"),
    "empty": ({"conv": TENSORS["conv"][:0]}, "conv: it holds no samples"),
    "floats": ({"conv": TENSORS["conv"].astype(np.float32)}, "conv: it is float32; tensor conv holds int8 codes"),
    "range": ({"conv": TENSORS["conv"].astype(np.int16) + 1000}, r"conv: it holds 1\d\d\d, no int8 code"),
    "counts": ({"conv": TENSORS["conv"][:2], "y": OUTPUT}, "different numbers of samples: 2 of conv, 3 of"),
    "input alone": ({"x": X}, "only the input of"),
    "input": ({"x": X.astype(np.int32) + 300, "y": OUTPUT}, "x: sample 0"),
    "nothing": ({}, "it holds no arrays"),
    "objects": ({"y": np.array([{}])}, "Python objects"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_recording_is_refused(case: str, tmp_path: Path) -> None:
    arrays, message = REFUSED[case]
    with pytest.raises(DataError, match=message) as raised:
        open_recorded(_saved(tmp_path, **arrays), NETWORK)
    assert str(raised.value).startswith(f"{tmp_path / 'recorded.npz'}: ")
    assert "\n" not in str(raised.value)


def test_files_that_are_no_archive_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        open_recorded(tmp_path / "missing.npz", NETWORK)
    path = tmp_path / "single.npz"
    with path.open("wb") as file:
        np.save(file, OUTPUT)
    with pytest.raises(DataError, match=r"a single array; save it by name: numpy.savez\(path, y=outputs\)"):
        open_recorded(path, NETWORK)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_files_give_one_error_or_codes(seed: int, tmp_path: Path) -> None:
    path = _saved(tmp_path, conv=TENSORS["conv"], y=OUTPUT)
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    if seed % 3 == 0:
        del data[int(random.integers(len(data))) :]
    for _ in range(int(random.integers(1, 20))):
        if data:
            data[int(random.integers(len(data)))] = int(random.integers(256))
    path.write_bytes(data)
    try:
        found = open_recorded(path, NETWORK)
    except DataError as error:
        assert str(error).startswith(f"{path}: ")
    else:
        assert found.count == 3
