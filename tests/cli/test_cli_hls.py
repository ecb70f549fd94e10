"""``hwq gen --hls`` as a user calls it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
from pathlib import Path

import pytest

from hwq.hls.flavors import VENDORS, Flavor
from tests.cli.support import refused, run_cli
from tests.hls.support import passes
from tests.support.designs import PROJECT, write_project


def test_it_writes_cpp_that_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    result = run_cli(capsys, "gen", write_project(tmp_path), "--hls", "portable", "-o", out)
    assert result.code == 0
    assert "layers::first" in result.out
    assert re.search(r"^classes +read +\d+ x \d+ +1 +\d+ *$", result.out, re.MULTILINE)
    assert re.search(r"^A sample every [\d,]+ cycles", result.out, re.MULTILINE)
    assert "random, seed 0" in result.out
    assert not (out / "rtl").exists()
    passes(out)


def test_json_has_a_hash_of_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    report = run_cli(capsys, "gen", write_project(tmp_path), "--hls", "portable", "-o", out, "--json").json
    assert report["hls"] == "portable"
    assert [layer["name"] for layer in report["layers"]] == ["first", "second", "classes"]
    assert all(layer["rows"] <= 4 and layer["columns"] <= 4 for layer in report["layers"])
    assert report["interval"] == max(layer["cycles"] for layer in report["layers"]) > 0
    assert all(layer["cycles"] == sum(loop["cycles"] for loop in layer["loops"]) for layer in report["layers"])
    found = {str(path.relative_to(out)): path for path in out.rglob("*") if path.is_file()}
    assert report["files"] == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}


@pytest.mark.parametrize(
    ("arithmetic", "complaint"),
    [
        ("contract: shift", "layer first: requantizer.scale: must be a power of two under contract shift"),
        ("accumulator_bits: 16, psum_bits: 16", "layer first: its sums need "),
    ],
)
def test_what_cannot_be_exported_is_refused_before_anything_is_written(
    arithmetic: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = write_project(tmp_path, PROJECT + f"arithmetic: {{{arithmetic}}}\n")
    message = refused(capsys, "gen", project, "--hls", "portable", "-o", tmp_path / "out")
    assert f"{project}: {complaint}" in message
    assert not (tmp_path / "out").exists()


def test_an_unknown_flavor_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "portable" in refused(capsys, "gen", write_project(tmp_path), "--hls", "spades", "-o", tmp_path / "out")


def keys(value: object) -> object:
    """What of a JSON value does not depend on what was found."""
    if isinstance(value, dict):
        return {key: keys(inner) for key, inner in value.items() if key != "cycles_by_cause"}
    return [keys(inner) for inner in value[:1]] if isinstance(value, list) else None


def test_verify_gives_the_same_json_as_verilator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = write_project(tmp_path)
    ours = run_cli(capsys, "verify", project, "--backend", "hls", "--samples", "2", "--json")
    theirs = run_cli(capsys, "verify", project, "--samples", "2", "--json")
    assert (ours.code, theirs.code) == (0, 0)
    assert keys(ours.json) == keys(theirs.json)
    assert re.fullmatch(r"\S+ \d+\.\d+\.\d+, portable types", ours.json["simulator"])
    assert ours.json["match"] is True and ours.json["cycles"] is None and ours.json["host"] == []
    assert [layer["elements"] for layer in ours.json["layers"]] == [360, 120, 14]


def test_verify_shows_layers_without_cycles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_cli(capsys, "verify", write_project(tmp_path), "--backend", "hls", "--layers", "second, classes")
    assert result.code == 0
    assert "MATCH: 67 outputs of 2 layers, every bit\n" in result.out
    assert "Cycles" not in result.out and "MACs" in result.out


def test_verify_without_a_compiler(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    out = tmp_path / "out"
    message = refused(capsys, "verify", write_project(tmp_path), "--backend", "hls", "-o", out)
    assert message.startswith("hwq: error: a C++ compiler is missing: install g++")
    assert not out.exists()


def test_verify_refuses_what_is_of_the_verilog_and_unknown_layers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = write_project(tmp_path)
    message = refused(capsys, "verify", project, "--backend", "hls", "--waves", "--tamper", "weight")
    assert "--waves and --tamper: of the Verilog alone" in message
    message = refused(capsys, "verify", project, "--backend", "hls", "--layers", "secund")
    assert "no layer 'secund'; did you mean second?" in message


@pytest.mark.parametrize("flavor", VENDORS)
def test_verify_with_the_types_of_a_vendor(
    flavor: Flavor, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VENDORS[flavor].variable, raising=False)
    result = run_cli(capsys, "verify", write_project(tmp_path), "--backend", "hls", "--types", flavor, "--json")
    assert result.code == 0 and result.json["match"] is True
    assert re.fullmatch(rf"\S+ \d+\.\d+\.\d+, {flavor} types of hls4ml [\d.]+", result.json["simulator"])


def test_verify_without_the_headers_of_a_vendor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setenv("MGC_HOME", str(tmp_path))
    monkeypatch.setattr(importlib.metadata, "distribution", nothing)
    out = tmp_path / "out"
    message = refused(capsys, "verify", write_project(tmp_path), "--backend", "hls", "--types", "catapult", "-o", out)
    assert message.startswith("hwq: error: ac_int.h of Catapult is missing: pip install 'hwq[hls]'")
    assert "MGC_HOME" in message
    assert not out.exists()


def test_types_are_of_cpp_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, "verify", write_project(tmp_path), "--types", "vitis")
    assert "--types: of C++ alone; leave it out, or --backend hls" in message
