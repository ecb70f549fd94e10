"""The digits example as C++: it passes, it is the same bytes each time, and every fault in it is found."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.cli.inputs import open_target
from hwq.examples import digits
from hwq.frontends.samples import open_samples
from hwq.graph.layers import Dense
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from tests.graph.networks import FULL, quantization
from tests.hls.support import edit, emit, make, passes


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("digits")
    write(root)
    passes(root)
    return root


def write(root: Path) -> None:
    with digits.project_file() as file:
        target = open_target(file)
        assert target.accelerator is not None
        samples = open_samples(file.with_suffix(".npz"), target.network)
        emit(target.network, target.accelerator, next(samples.pieces(lambda: 3)), root)


@pytest.fixture
def copy(project: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(project, tmp_path / "copy"))


def quarter() -> Network:
    layer = Dense(
        "quarter",
        ("x",),
        "y",
        weights=np.ones((1, 1), np.int8),
        weight_quantization=quantization(1.0, 0),
        bias=np.zeros(1, np.int32),
        clamp=FULL,
    )
    tensors = {"x": Tensor("x", (1,), quantization(1.0, 0)), "y": Tensor("y", (1,), quantization(4.0, 0))}
    return Network("quarter", tensors, (layer,), "x", "y")


def fails(root: Path) -> str:
    done = make(root, "test")
    assert done.returncode != 0
    assert "FAIL: " in done.stdout
    return done.stdout


def test_every_layer_and_the_whole_network_are_compared(project: Path) -> None:
    printed = passes(project)
    counts = dict(re.findall(r"^(\S+) +(\d+) codes, 0 wrong$", printed, flags=re.MULTILINE))
    assert counts == {"strokes": "3072", "curves": "1152", "shapes": "384", "digit": "30", "whole-network": "30"}


def test_some_layers_alone(project: Path) -> None:
    command = [str(project / "build" / "testbench"), "digit"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "strokes" not in done.stdout


def test_it_is_the_same_bytes_each_time(project: Path, tmp_path: Path) -> None:
    write(tmp_path)
    names = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    built = [Path("build/testbench")]
    assert names == sorted(
        path.relative_to(project)
        for path in project.rglob("*")
        if path.is_file() and path.relative_to(project) not in built
    )
    assert all((tmp_path / name).read_bytes() == (project / name).read_bytes() for name in names)


def test_the_top_is_one_call_a_layer(project: Path) -> None:
    text = (project / "src" / "digits.cpp").read_text()
    top = text[text.index("\nvoid digits(") :]
    assert re.findall(r"layers::(\w+)\(", top) == ["strokes", "curves", "shapes", "digit"]


def test_make_clean_leaves_what_was_written(copy: Path) -> None:
    assert make(copy, "clean").returncode == 0
    assert not (copy / "build").exists()
    assert (copy / "README.md").exists()


@pytest.mark.parametrize("tensor", ["curves_out", "digit_out"])
def test_a_changed_vector_is_found(tensor: str, copy: Path) -> None:
    path = copy / "tb" / "vectors" / f"{tensor}.txt"
    lines = path.read_text().splitlines()
    codes = lines[1].split(" ")
    codes[-1] = str(int(codes[-1]) + (1 if int(codes[-1]) < 0 else -1))
    lines[1] = " ".join(codes)
    path.write_text("\n".join(lines) + "\n")
    assert re.search(
        rf"^{tensor.removesuffix('_out')}, sample 1, row \d+, column \d+, channel \d+: ", fails(copy), re.M
    )


@pytest.mark.parametrize("end", ["", "0\n"])
def test_vectors_of_another_length_are_found(end: str, copy: Path) -> None:
    path = copy / "tb" / "vectors" / "curves_out.txt"
    path.write_text(path.read_text().rsplit(" ", 1)[0] + "\n" + (f"0 {end}" if end else ""))
    assert "curves_out.txt holds too few or too many codes" in fails(copy)


def test_a_vector_beyond_its_codes_is_found(copy: Path) -> None:
    path = copy / "tb" / "vectors" / "input.txt"
    first, rest = path.read_text().split(" ", 1)
    path.write_text(f"{int(first) + 256} {rest}")
    assert "holds what is no code" in fails(copy)


def test_a_changed_weight_is_found(copy: Path) -> None:
    path = copy / "src" / "constants" / "digit.h"
    text = path.read_text()
    row = re.search(r"weights\[10\]\[\d+\] = \{\n +\{\n +(-?\d+),", text)
    assert row is not None
    start, end = row.span(1)
    weight = int(row[1])
    path.write_text(text[:start] + str(weight - 100 if weight > 0 else weight + 100) + text[end:])
    assert "digit, sample 0, row 0, column 0, channel 0: expected" in fails(copy)


def test_another_rounding_is_found(tmp_path: Path) -> None:
    """One output, a quarter of its input: -2 becomes -1 by two roundings and 0 by one."""
    emit(quarter(), Accelerator(), np.array([[-2]], np.int8), tmp_path)
    passes(tmp_path)
    edit(tmp_path / "src" / "constants" / "quarter.h", "double_rounding", "single_rounding")
    assert "quarter, sample 0, row 0, column 0, channel 0: expected -1, actual 0" in fails(tmp_path)


def test_a_layer_that_leaves_input_unread_is_found(copy: Path) -> None:
    edit(copy / "src" / "constants" / "digit.h", "vectors = 1", "vectors = 0")
    assert "digit left a part of its input unread" in fails(copy)
