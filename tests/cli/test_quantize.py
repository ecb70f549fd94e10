"""``hwq quantize``: the network it writes, what it tells, and its messages."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from hwq.frontends import load, load_float
from hwq.graph.files import network_to_bytes
from hwq.quantize import quantize
from tests.cli.support import refused, run_cli
from tests.support.float_builder import every_float_operator
from tests.support.models import official_float_model, official_model
from tests.support.samples import real_numbers


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "net.tflite").write_bytes(every_float_operator())
    x = np.random.default_rng(3).normal(0, 1, (30, 9, 8, 4)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x, y=np.arange(30) % 5)
    return _project(tmp_path, "calibration: {samples: 20}")


def _project(folder: Path, section: str, model: str = "net.tflite", data: str | None = "x.npz") -> Path:
    path = folder / "project.yaml"
    lines = [f"model: {model}", *([f"data: {data}"] if data else []), f"quantization: {{{section}}}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_network_is_that_of_python(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = project.parent / "new" / "net.hwq"
    result = run_cli(capsys, "quantize", project, "-o", output, "--json")
    assert (result.code, result.err) == (0, "")
    x = np.load(project.parent / "x.npz")["x"]
    network = quantize(load_float(project.parent / "net.tflite"), x[:20])
    assert output.read_bytes() == network_to_bytes(network)
    found = result.json
    assert found["calibration_samples"] == 20
    assert [layer["name"] for layer in found["layers"]] == [layer.name for layer in network.layers]
    first = found["layers"][0]
    assert (first["op"], first["weight_scales"], first["zero_point"]) == ("conv2d", 6, -128)
    assert first["low"] == 0 and first["high"] == 255 * first["scale"]
    evaluation = found["evaluation"]
    assert (evaluation["samples"], evaluation["held_out"]) == (10, True)
    assert evaluation["agreement"] >= 0.9 and evaluation["noise_ratio_db"] > 20
    assert 0 <= evaluation["accuracy"] <= 1 and 0 <= evaluation["float_accuracy"] <= 1


def test_keyword_spotting_all_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The figure of the page, and a network that the other verbs take."""
    network = load_float(official_float_model("kws"))
    labels = np.load(official_model("kws").parent / "kws_test_600.npz")["y"]
    np.savez(tmp_path / "x.npz", x=real_numbers("kws", network, 600, 0), y=labels)
    path = _project(tmp_path, "", os.fspath(official_float_model("kws")))
    found = run_cli(capsys, "quantize", path, "-o", tmp_path / "kws.hwq", "--json").json["evaluation"]
    assert (found["samples"], found["held_out"], found["float_accuracy"]) == (500, True, 0.902)
    assert found["accuracy"] >= 0.897 and found["agreement"] >= 0.99
    result = run_cli(capsys, "run", tmp_path / "kws.hwq", "--data", tmp_path / "x.npz", "--json")
    assert result.json["samples"] == 600 and result.json["accuracy"] > 0.89
    (tmp_path / "integer.yaml").write_text("model: kws.hwq\ndata: x.npz\n", encoding="utf-8")
    generated = run_cli(capsys, "gen", tmp_path / "integer.yaml", "-o", tmp_path / "build", "--json")
    assert generated.code == 0 and len(generated.json["layers"]) == 11


def test_text(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_cli(capsys, "quantize", _project(project.parent, ""), "-o", project.parent / "net.hwq")
    assert (result.code, result.err) == (0, "")
    assert "calibration   30 samples" in result.out
    assert "compared on   30 samples (the same samples, for there are no others)" in result.out
    assert load(project.parent / "net.hwq").layers[0].name in result.out


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "weights: {bits: 4, scheme: asymmetric}",
            r"yaml:3: quantization\.weights\.scheme: asymmetric weights are not available",
        ),
        (
            "layers: {conv_2e: {weights: {bits: 8}}}",
            r"yaml:3: quantization\.layers\.conv_2e: net has no such layer; did you mean conv_2d\?",
        ),
        (
            "calibration: {samples: 31}",
            "yaml: quantization.calibration.samples asks for 31 samples, and the data holds 30",
        ),
        ("activations: {ranges: msee}", "quantization.activations.ranges: must be one of .* did you mean mse?"),
    ],
)
def test_what_a_section_cannot_ask_for(
    project: Path, section: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _project(project.parent, section)
    text = refused(capsys, "quantize", project, "-o", project.parent / "net.hwq")
    assert re.search(message, text), text
    assert not (project.parent / "net.hwq").exists()


def test_what_a_project_needs(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, output = project.parent, project.parent / "net.hwq"
    _project(folder, "", data=None)
    assert "data: is needed to find ranges" in refused(capsys, "quantize", project, "-o", output)
    _project(folder, "", os.fspath(official_model("kws")))
    assert "is int8; needed is a model of real numbers" in refused(capsys, "quantize", project, "-o", output)
    np.savez(folder / "codes.npz", x=np.zeros((3, 9, 8, 4), np.int8))
    _project(folder, "")
    message = refused(capsys, "quantize", project, "-o", output, "--data", folder / "codes.npz")
    assert "codes.npz: x: samples are int8; the input of net takes real numbers" in message
    message = refused(capsys, "run", project)
    assert "let hwq quantize make such a network of it" in message
