"""Mutated files of the official models: a consistent network or a ModelError, in bounded time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hwq.graph.files import save_network
from tests.graph.networks import network_of_every_layer
from tests.support.float_builder import every_float_operator
from tests.support.models import OFFICIAL, OFFICIAL_FLOAT, official_float_model, official_model
from tests.support.tflite_builder import ModelBuilder, Q

SEED = 20261123
ROOT = Path(__file__).parents[2]


def fuzz(path: Path, first: int, count: int) -> None:
    """Run the worker and check that it got through."""
    command = [sys.executable, "-m", "tests.support.fuzz_worker", str(path), str(SEED)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    process = subprocess.run(
        [*command, str(first), str(count)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
        timeout=30 + count * 0.1,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    outcome: dict[str, float] = json.loads(process.stdout)
    print(f"{path.name}, seed {SEED}: {outcome}")
    assert outcome["files"] == count
    # A fuzzer that only ever breaks files, or never does, tests nothing.
    assert outcome["loaded"] > count // 50 and outcome["refused"] > count // 10


@pytest.mark.parametrize("name", OFFICIAL)
def test_mutated_files(name: str) -> None:
    fuzz(official_model(name), 0, 300)


@pytest.mark.proof
@pytest.mark.parametrize("name", OFFICIAL)
def test_ten_thousand_mutated_files(name: str) -> None:
    fuzz(official_model(name), 300, 10_000)


@pytest.mark.parametrize("name", OFFICIAL_FLOAT)
def test_mutated_files_of_real_numbers(name: str) -> None:
    fuzz(official_float_model(name), 0, 200)


@pytest.mark.proof
@pytest.mark.parametrize("name", OFFICIAL_FLOAT)
def test_five_thousand_mutated_files_of_real_numbers(name: str) -> None:
    fuzz(official_float_model(name), 200, 5_000)


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    save_network(network_of_every_layer(), tmp_path / "every_layer.hwq")
    return tmp_path / "every_layer.hwq"


def test_mutated_files_of_our_own(own_file: Path) -> None:
    fuzz(own_file, 0, 300)


@pytest.mark.proof
def test_five_thousand_mutated_files_of_our_own(own_file: Path) -> None:
    fuzz(own_file, 300, 5_000)


@pytest.fixture
def float_operators_file(tmp_path: Path) -> Path:
    """A small model of real numbers, of the operators that the official ones lack."""
    path = tmp_path / "float_operators.tflite"
    path.write_bytes(every_float_operator())
    return path


def test_mutated_files_of_other_operators_on_real_numbers(float_operators_file: Path) -> None:
    fuzz(float_operators_file, 0, 300)


@pytest.mark.proof
def test_ten_thousand_mutated_files_of_other_operators_on_real_numbers(float_operators_file: Path) -> None:
    fuzz(float_operators_file, 300, 10_000)


@pytest.fixture
def operators_file(tmp_path: Path) -> Path:
    """A small model of the operators that the official models lack, its structure most of the file."""
    model = ModelBuilder()
    x = model.input((1, 6, 6, 4), type="float32")
    y = model.unary("QUANTIZE", x, output=Q(0.05))
    padded = model.pad(y, [(0, 0), (1, 1), (1, 1), (0, 0)], value=3)
    y = model.pool_2d("MAX_POOL_2D", model.pad(padded, [(0, 0), (0, 1), (0, 0), (0, 0)]), (3, 2), padding="SAME")
    y = model.concatenation([y, model.unary("RELU", y, output=Q(0.05))], 3)
    y = model.mean(y, [1], output=Q(0.02), keep_dims=True)
    y = model.leaky_relu(y, 0.1, output=Q(0.03, 4))
    y = model.unary("HARD_SWISH", model.unary("RELU6", y, output=Q(0.03)), output=Q(0.03))
    y = model.unary("TANH", model.unary("LOGISTIC", y, output=Q(1 / 256, -128)), output=Q(1 / 128))
    shape = model.operator("SHAPE", [y], [model.tensor((4,), type="int32")], ("ShapeOptions", {"OutType": 2}))
    bounds = [model.constant(np.asarray([value], np.int32)) for value in (0, 1, 1)]
    batch = model.operator(
        "STRIDED_SLICE",
        [shape, *bounds],
        [model.tensor((), type="int32")],
        ("StridedSliceOptions", {"ShrinkAxisMask": 1}),
    )
    packed = [batch, model.constant(np.asarray(-1, np.int32))]
    wanted = model.operator("PACK", packed, [model.tensor((2,), type="int32")], ("PackOptions", {"ValuesCount": 2}))
    flat = model.tensor((1, 64), model.quantization(y))
    model.operator("RESHAPE", [y, wanted], [flat], ("ReshapeOptions", {}))
    path = tmp_path / "operators.tflite"
    path.write_bytes(model.finish(model.unary("DEQUANTIZE", flat, output=None, type="float32")))
    return path


def test_mutated_files_of_other_operators(operators_file: Path) -> None:
    fuzz(operators_file, 0, 300)


@pytest.mark.proof
def test_ten_thousand_mutated_files_of_other_operators(operators_file: Path) -> None:
    fuzz(operators_file, 300, 10_000)
