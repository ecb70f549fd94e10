"""``hwq inspect``, against the figures that the benchmark's models are known to have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import refused, run_cli, small_model
from tests.support.models import official_model

Capture = pytest.CaptureFixture[str]

#: MACs, weights, peak bytes of activations, worst accumulator bits subtracted and folded.
KNOWN = {
    "ad": (264_192, 264_192, 768, 22, 22),
    "ic": (12_501_632, 77_360, 49_152, 23, 23),
    "kws": (2_656_768, 22_016, 16_000, 21, 20),
    "vww": (7_489_664, 208_112, 55_296, 21, 21),
}


@pytest.mark.parametrize("name", KNOWN)
def test_totals_of_the_official_models(capsys: Capture, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = official_model(name)
    monkeypatch.setenv("HWQ_MLPERF_TINY", str(model.parent))
    figures = run_cli(capsys, "inspect", model, "--json").json
    macs, weights, peak, subtracted, folded = KNOWN[name]
    assert figures["macs"] == macs == sum(layer["macs"] for layer in figures["layers"])
    assert figures["weights"] == weights
    assert figures["peak_activation_bytes"] == peak
    assert (figures["input_zero_point"], figures["accumulator_bits"]) == ("subtracted", subtracted)
    project = Path(__file__).parents[2] / "configs" / "projects" / f"{name}_8x8.yaml"
    figures = run_cli(capsys, "inspect", project, "--json").json
    assert (figures["input_zero_point"], figures["accumulator_bits"]) == ("folded", folded)
    assert figures["model"] == str(model)


@pytest.mark.parametrize("name", KNOWN)
def test_the_table_fits_100_columns(capsys: Capture, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    model = official_model(name)
    result = run_cli(capsys, "inspect", model)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert max(map(len, lines)) <= 100
    assert "…" not in result.out
    for layer in run_cli(capsys, "inspect", model, "--json").json["layers"]:
        # A layer is one line: nothing was folded.
        assert any(line.startswith(layer["name"] + " ") for line in lines)
    assert f"{KNOWN[name][0]:,}" in result.out


def test_facts_of_single_layers(capsys: Capture, tmp_path: Path) -> None:
    figures = run_cli(capsys, "inspect", small_model(tmp_path), "--json").json
    layers = {layer["name"]: layer for layer in figures["layers"]}
    conv = layers["conv"]
    assert (conv["op"], conv["kernel"], conv["stride"], conv["padding"]) == ("conv2d", [3, 2], [1, 1], [1, 1, 0, 1])
    assert (conv["groups"], conv["weight_scales"], conv["clamp"]) == (2, "channel", [3, 100])
    assert conv["macs"] == 8 * 6 * 6 * 3 * 2 * 2
    assert conv["parameter_bytes"] == 6 * 3 * 2 * 2 + 4 * 6
    assert layers["depthwise"]["macs"] == 4 * 3 * 12 * 9
    assert layers["sum"]["input_zero_points"] == [3, 3]
    assert layers["sum"]["accumulator_bits"] is None
    assert layers["pool"]["kernel"] == [2, 2]
    assert layers["dense"]["weight_scales"] == "tensor"
    assert figures["input"] == {"shape": [8, 6, 4], "type": "uint8", "scale": pytest.approx(0.05), "zero_point": 131}
    assert figures["layers"][0]["input_shapes"] == [[8, 6, 4]]


def test_what_cannot_be_read(capsys: Capture, tmp_path: Path) -> None:
    assert "nothing.tflite: no such file" in refused(capsys, "inspect", tmp_path / "nothing.tflite")
    assert "not a file" in refused(capsys, "inspect", tmp_path)
    (tmp_path / "text.tflite").write_text("hello")
    assert "neither a TFLite model nor a network saved by hwq" in refused(capsys, "inspect", tmp_path / "text.tflite")
    (tmp_path / "p.yaml").write_text("model: text.tflite\n")
    message = refused(capsys, "inspect", tmp_path / "p.yaml")
    assert f"{tmp_path / 'p.yaml'}: model: {tmp_path / 'text.tflite'}: neither" in message
    (tmp_path / "p.yaml").write_text("model: text.tflite\narray: {rows: 0, colums: 1}\n")
    assert refused(capsys, "inspect", tmp_path / "p.yaml").startswith(
        f"hwq: error: 2 faults in {tmp_path / 'p.yaml'}\n"
    )


def test_a_project_says_which_engine_runs_each_layer_and_why(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", str(official_model("kws").parent))
    monkeypatch.setenv("COLUMNS", "200")
    text = "model: ${HWQ_MLPERF_TINY}/kws_ref_model.tflite\ndepthwise: {rows: 2}\npooling: none\n"
    (tmp_path / "p.yaml").write_text(text)
    layers = {
        layer["name"]: layer for layer in run_cli(capsys, "inspect", tmp_path / "p.yaml", "--json").json["layers"]
    }
    assert (layers["conv2d"]["engine"], layers["conv2d"]["engine_reason"]) == ("array", "")
    assert layers["depthwise_conv2d"]["engine"] == "array"
    assert "depthwise.rows x depthwise.columns (2x3)" in layers["depthwise_conv2d"]["engine_reason"]
    assert layers["average_pooling2d"]["engine_reason"] == "there is no pooling engine"
    assert (layers["softmax"]["engine"], layers["flatten"]["engine"]) == ("host", "")
    out = run_cli(capsys, "inspect", tmp_path / "p.yaml").out
    assert "average_pooling2d is left to the host: there is no pooling engine" in out
    assert "softmax is left to the host: no engine runs softmax" in out
    model = run_cli(capsys, "inspect", official_model("kws"), "--json").json
    assert {layer["engine"] for layer in model["layers"]} == {None}
