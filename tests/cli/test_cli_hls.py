"""``hwq gen --hls`` as a user calls it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.cli.support import refused, run_cli
from tests.hls.support import passes
from tests.support.designs import PROJECT, write_project


def test_it_writes_cpp_that_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    result = run_cli(capsys, "gen", write_project(tmp_path), "--hls", "portable", "-o", out)
    assert result.code == 0
    assert "layers::first" in result.out
    assert "random, seed 0" in result.out
    assert not (out / "rtl").exists()
    passes(out)


def test_json_has_a_hash_of_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    report = run_cli(capsys, "gen", write_project(tmp_path), "--hls", "portable", "-o", out, "--json").json
    assert report["hls"] == "portable"
    assert [layer["name"] for layer in report["layers"]] == ["first", "second", "classes"]
    assert all(layer["rows"] <= 4 and layer["columns"] <= 4 for layer in report["layers"])
    found = {str(path.relative_to(out)): path for path in out.rglob("*") if path.is_file()}
    assert report["files"] == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}


@pytest.mark.parametrize(
    ("arithmetic", "complaint"),
    [
        ("overflow: wrap", "arithmetic.overflow: wrap is not exported to C++; refuse is"),
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
