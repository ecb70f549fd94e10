"""Mutated files of the official models: a consistent network or a ModelError, in bounded time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hwq.graph.files import save_network
from tests.graph.networks import network_of_every_layer
from tests.support.models import OFFICIAL, official_model

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


@pytest.fixture
def own_file(tmp_path: Path) -> Path:
    save_network(network_of_every_layer(), tmp_path / "every_layer.hwq")
    return tmp_path / "every_layer.hwq"


def test_mutated_files_of_our_own(own_file: Path) -> None:
    fuzz(own_file, 0, 300)


@pytest.mark.proof
def test_five_thousand_mutated_files_of_our_own(own_file: Path) -> None:
    fuzz(own_file, 300, 5_000)
