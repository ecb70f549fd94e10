"""``hwq certify``: table, JSON, exit codes, witnesses and messages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwq.cli.inputs import open_target
from hwq.emulate import Emulator
from hwq.graph.files import save_network
from hwq.graph.layers import Conv2D
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from hwq.schedule.order import ordered_sums
from tests.cli.support import refused, run_cli, small_model, small_samples
from tests.support.convolutions import quantization, small_network
from tests.support.models import official_model


def _project(folder: Path, arithmetic: str, rows: int = 4, model: Path | None = None) -> Path:
    if model is None:
        model = folder / "small.hwqnet"
        save_network(small_network(), model)
    path = folder / "project.yaml"
    path.write_text(
        f"model: {model}\narray: {{rows: {rows}, columns: 4}}\narithmetic: {{{arithmetic}}}\n"
        "buffers: {activations: 4096, weights: 16384, channels: 256, descriptors: 64, accumulators: 32}\n",
        encoding="utf-8",
    )
    return path


def test_a_safe_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "x.npz"
    np.savez(data, x=np.random.default_rng(1).integers(-128, 128, (5, 6, 5, 3), dtype=np.int8))
    project = _project(tmp_path, "accumulator_bits: 24, overflow: wrap")
    result = run_cli(capsys, "certify", project, "--data", data, "--samples", 4, "--json")
    assert (result.code, result.err) == (0, "")
    found = result.json
    assert (found["safe"], found["samples"], found["origin"]) == (True, 4, str(data))
    assert [layer["name"] for layer in found["layers"]] == ["first", "second", "classes"]
    for layer in found["layers"]:
        assert layer["accumulator_headroom"] == 24 - layer["safe_accumulator_bits"]
        assert layer["observed_bits"] <= layer["safe_accumulator_bits"] == layer["any_order_bits"]
        assert layer["safe_psum_bits"] <= layer["safe_accumulator_bits"]
        assert (layer["psum_bits"], layer["psum_headroom"], layer["order_matters"]) == (None, None, False)
        assert layer["witness"] is None
        bits = [channel["safe_accumulator_bits"] for channel in layer["channels"]]
        assert max(bits) == layer["safe_accumulator_bits"]
        for channel in layer["channels"]:
            assert channel["low"] <= channel["observed_low"] <= channel["observed_high"] <= channel["high"]
    text = run_cli(capsys, "certify", project)
    assert text.code == 0
    assert "SAFE: no sum of 3 layers can leave its width" in text.out


@pytest.mark.parametrize("width", [80, 200])
def test_a_narrow_project_gives_exit_code_1_and_witnesses(
    width: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    project = _project(tmp_path, "accumulator_bits: 18, overflow: saturate")
    saved = tmp_path / "witness.npz"
    result = run_cli(capsys, "certify", project, "--save", saved)
    assert (result.code, result.err) == (1, "")
    assert max(map(len, result.out.splitlines())) <= width or "Inputs that overflow" in result.out
    words = " ".join(result.out.split())
    assert "NOT SAFE: sums can leave their width in 3 of 3 layers" in words
    assert "Layer first needs 19 bits for accumulators and has 18." in words
    assert "witness: an input that takes the accumulator of channel" in words
    assert "Order" in words
    assert "matters" in words
    assert ("Not shown" in words) == (width == 80)
    found = run_cli(capsys, "certify", project, "--json").json
    target = open_target(project)
    assert target.accelerator is not None
    emulator = Emulator(target.network, sums=ordered_sums(target.network, target.accelerator), count=True)
    with np.load(saved) as arrays:
        for layer in found["layers"]:
            witness = layer["witness"]
            assert (witness["sum"], witness["bits"], witness["rtl"]) == ("accumulator", 18, None)
            channel = layer["channels"][witness["channel"]]
            assert witness["value"] in (channel["low"], channel["high"])
            # What was saved is what was counted.
            emulator.run_layer(layer["name"], arrays[layer["name"]])
            assert emulator.overflows[layer["name"]].totals[1] == witness["overflows"] > 0


def test_the_verilog_counts_a_witness_of_a_project_that_would_be_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = _project(tmp_path, "accumulator_bits: 19")
    result = run_cli(capsys, "certify", project, "--rtl", "--json")
    assert result.code == 1
    witnesses = {layer["name"]: layer["witness"] for layer in result.json["layers"]}
    assert [name for name, witness in witnesses.items() if witness] == ["second", "classes"]
    for witness in witnesses.values():
        if witness:
            assert witness["rtl"] == witness["overflows"] > 0


def test_a_model_alone_has_no_psums(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_cli(capsys, "certify", official_model("kws"), "--json")
    assert (result.code, result.err) == (0, "")
    assert result.json["overflow"] is None
    bits = {layer["name"]: layer["safe_accumulator_bits"] for layer in result.json["layers"]}
    assert bits["conv2d_1"] == 21
    for layer in result.json["layers"]:
        assert (layer["safe_psum_bits"], layer["observed_bits"], layer["order_matters"]) == (None, None, False)


def test_a_layer_that_is_all_border_is_safe_where_refuse_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A kernel of 3x3 on one pixel: eight of nine operands are padding, which any order does not know."""
    tensors = {"x": Tensor("x", (1, 1, 1), quantization(0.1, 3)), "y": Tensor("y", (1, 1, 1), quantization(1.0, 0))}
    layer = Conv2D(
        name="border",
        inputs=("x",),
        output="y",
        weights=np.full((1, 3, 3, 1), 100, np.int8),
        weight_quantization=quantization(0.01, 0),
        bias=np.zeros(1, np.int32),
        stride=(1, 1),
        dilation=(1, 1),
        padding=(1, 1, 1, 1),
        clamp=(-128, 127),
    )
    model = tmp_path / "border.hwqnet"
    save_network(Network("border", tensors, (layer,), "x", "y"), model)
    project = _project(tmp_path, "accumulator_bits: 17, psum_bits: 17", model=model)
    result = run_cli(capsys, "certify", project)
    assert result.code == 0
    words = " ".join(result.out.split())
    assert "Layer border: in this order 15 bits are enough, in any order 18; overflow: refuse goes by" in words
    assert "sums need 18 bits and arithmetic.accumulator_bits is 17" in refused(
        capsys, "gen", project, "-o", tmp_path / "out"
    )


def test_bad_input_gets_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small_model(tmp_path)
    assert "--rtl: a model alone has no hardware" in refused(capsys, "certify", model, "--rtl")
    assert "--samples 3: there are no samples; give --data X.npz" in refused(capsys, "certify", model, "--samples", 3)
    assert "no such file" in refused(capsys, "certify", model, "--data", tmp_path / "none.npz")
    assert "no such folder" in refused(capsys, "certify", model, "--save", tmp_path / "none" / "out.npz")
    np.savez(tmp_path / "x.npz", x=small_samples(2))
    message = refused(capsys, "certify", model, "--data", tmp_path / "x.npz", "--samples", 3)
    assert "holds 2 samples, and 3 are asked for" in message
    assert run_cli(capsys, "certify", model, "--save", tmp_path / "out.npz").code == 0
    assert not (tmp_path / "out.npz").exists()
