"""Running the command in-process, and the files it needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwq.cli.app import main
from hwq.graph.files import save_network
from tests.graph.networks import network_of_every_layer


@dataclass(frozen=True)
class Result:
    """What a command line left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.out)


def run_cli(capsys: pytest.CaptureFixture[str], *arguments: object) -> Result:
    """Run ``hwq ARGUMENTS``."""
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return Result(code, captured.out, captured.err)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 2) -> str:
    """The message of a command line that must be refused: on stderr, no traceback, nothing on stdout."""
    result = run_cli(capsys, *arguments)
    assert result.code == code, result
    assert result.out == ""
    assert result.err.startswith("hwq: ")
    assert "Traceback" not in result.err
    return result.err


def small_model(folder: Path) -> Path:
    """A network of every kind of layer, uint8 [8, 6, 4] to 5 outputs, in hwq's own format."""
    path = folder / "small.hwqnet"
    save_network(network_of_every_layer(), path)
    return path


def small_samples(count: int, seed: int = 1) -> np.ndarray:
    """Seeded uint8 codes for `small_model`."""
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 6, 4), dtype=np.uint8)
