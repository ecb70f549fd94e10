"""``hwq contract``: table, JSON, exit codes and messages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwq.emulate import Emulator
from hwq.frontends import load
from hwq.graph.inputs import random_samples
from hwq.numeric.requantize import Contract
from hwq.toolchain import tools
from tests.cli.support import refused, run_cli, small_model, small_samples
from tests.support.models import official_model


def _recorded(folder: Path, contract: Contract = Contract.DOUBLE, **more: np.ndarray) -> tuple[Path, Path]:
    """A small model, and all its tensors for four samples."""
    model = small_model(folder)
    network = load(model)
    tensors = Emulator(network, contract).trace(small_samples(4))
    path = folder / "out.npz"
    np.savez(path, **{**tensors, **more})
    return model, path


def test_a_runtime_that_agrees_gives_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_cli(capsys, "contract", official_model("kws"), "--against", "tflite-micro", "--samples", 3, "--json")
    assert (result.code, result.err) == (0, "")
    found = result.json
    assert found["runtime"] == "tflite-micro"
    assert found["version"]
    assert (found["samples"], found["contract"], found["exact"]) == (3, "double", ["double"])
    assert found["first_difference"] is None
    layers = {layer["name"]: layer for layer in found["layers"]}
    first = layers["conv2d"]
    assert first["kind"] == "conv2d"
    assert first["contracts"].keys() == {"double", "single", "up2", "f64away", "fp32he"}
    assert first["exact"] == [name for name, wrong in first["contracts"].items() if not wrong]
    assert "double" in first["exact"]
    assert first["values"] >= 3 * 8000
    assert first["inputs"] == "runtime"
    pool = layers["average_pooling2d"]
    assert pool["any"]
    assert pool["exact"] == list(pool["contracts"])


@pytest.mark.parametrize("width", [80, 200])
def test_a_runtime_that_differs_gives_exit_code_1_and_the_place(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    result = run_cli(capsys, "contract", official_model("ic"), "--against", "xnnpack", "--samples", 2)
    assert result.code == 1
    assert max(map(len, result.out.splitlines())) <= width
    words = " ".join(result.out.split())
    assert "First difference: layer conv2d, " in words
    assert "part at conv2d; without a wrong value in every one of 16 layers: fp32he" in words
    assert ("Not shown" in words) == (width == 80)
    rows = {line.split()[0]: line.split() for line in result.out.splitlines() if line.strip()}
    assert "any" in rows["flatten"]
    assert "double" in rows["Layer"]


def test_a_recording_is_compared_and_one_wrong_value_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, path = _recorded(tmp_path)
    data = tmp_path / "x.npz"
    np.savez(data, x=small_samples(4))
    result = run_cli(capsys, "contract", model, "--against", path, "--data", data, "--json")
    # The input is recorded under the name of its tensor.
    assert result.code == run_cli(capsys, "contract", model, "--against", path).code == 0
    assert (result.json["runtime"], result.json["version"], result.json["samples"]) == (str(path), None, 4)
    with np.load(path) as arrays:
        conv = arrays["conv"].copy()
    conv[2, 1, 3, 4] ^= 1
    model, path = _recorded(tmp_path, conv=conv)
    result = run_cli(capsys, "contract", model, "--against", path, "--json")
    assert result.code == 1
    first = result.json["first_difference"]
    assert (first["layer"], first["sample"], first["element"]) == ("conv", 2, [1, 3, 4])
    assert first["runtime"] == int(conv[2, 1, 3, 4]) == first["emulated"] ^ 1
    assert next(layer for layer in result.json["layers"] if layer["name"] == "conv")["contracts"]["double"] == 1
    text = run_cli(capsys, "contract", model, "--against", path, "--samples", 2)
    assert text.code == 0, "the first two samples are as they were"


def test_an_output_alone_says_that_inputs_are_emulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small_model(tmp_path)
    network = load(model)
    x = random_samples(network, 5, 7)
    np.savez(tmp_path / "out.npz", Emulator(network, Contract.SINGLE).run(x))
    arguments = ("contract", model, "--against", tmp_path / "out.npz", "--seed", 7)
    result = run_cli(capsys, *arguments, "--json")
    assert result.json["samples"] == 5
    *others, last = result.json["layers"]
    assert all(layer["contracts"] == {} and layer["values"] == 0 for layer in others)
    assert last["inputs"] == "emulated"
    assert "single" in last["exact"]
    text = run_cli(capsys, *arguments)
    assert "not recorded" in text.out
    words = " ".join(text.out.split())
    assert "Inputs that are not recorded, and so are emulated under each contract: those of softmax." in words
    assert text.code == result.code


def test_bad_input_gets_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, path = _recorded(tmp_path)
    assert "--against: no runtime 'litrt', and no .npz; did you mean litert?" in refused(
        capsys, "contract", model, "--against", "litrt"
    )
    assert "no such file" in refused(capsys, "contract", model, "--against", tmp_path / "none.npz")
    assert "small.hwqnet: tflite-micro runs .tflite files, and this is none" in refused(
        capsys, "contract", model, "--against", "tflite-micro"
    )
    assert "holds 4 samples, and 9 are asked for" in refused(
        capsys, "contract", model, "--against", path, "--samples", 9
    )
    data = tmp_path / "x.npz"
    np.savez(data, x=small_samples(7))
    assert "holds 4 samples and" in refused(capsys, "contract", model, "--against", path, "--data", data)
    assert "Missing option" in refused(capsys, "contract", model)
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 not quite")
    assert "not a readable .npz" in refused(capsys, "contract", model, "--against", tmp_path / "bad.npz")
    monkeypatch.setattr(tools, "package_version", lambda name: None)
    assert "the Python package tflite-micro is missing: pip install tflite-micro" in refused(
        capsys, "contract", official_model("kws"), "--against", "tflite-micro"
    )
