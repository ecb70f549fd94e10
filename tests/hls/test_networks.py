"""Whole networks as C++: every kind of layer, random ones, and the four of MLPerf Tiny."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import InputZeroPoint
from hwq.cli.inputs import open_target
from hwq.frontends.sources import choose_samples
from hwq.graph.inputs import random_samples
from hwq.graph.network import Network
from tests.graph.networks import network_of_every_layer
from tests.hls.support import badly_laid_out, emit, hardware, passes
from tests.support.random_networks import random_network

PROJECTS = Path(__file__).parents[2] / "configs" / "projects"


def check(network: Network, accelerator: Accelerator, root: Path, seed: int = 0) -> None:
    emit(network, accelerator, random_samples(network, 3, seed), root)
    assert badly_laid_out(root) == []
    printed = passes(root)
    compared = re.findall(r"^(\S+) +(\d+) codes, 0 wrong$", printed, flags=re.MULTILINE)
    counts = [(layer.name, 3 * network.tensors[layer.output].elements) for layer in network.layers]
    whole = ("whole-network", 3 * network.tensors[network.output].elements)
    assert [(name, int(count)) for name, count in compared] == [*counts, whole]


@pytest.mark.parametrize("zero_point", list(InputZeroPoint))
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (4, 2)])
def test_every_kind_of_layer(rows: int, columns: int, zero_point: InputZeroPoint, tmp_path: Path) -> None:
    check(network_of_every_layer(), hardware(rows, columns, zero_point), tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_random_networks(seed: int, tmp_path: Path) -> None:
    check(random_network(seed), hardware(4, 4, list(InputZeroPoint)[seed % 2]), tmp_path, seed)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(100, 300))
def test_many_random_networks(seed: int, tmp_path: Path) -> None:
    size = 1 + seed % 9
    check(random_network(seed), hardware(size, size, list(InputZeroPoint)[seed % 2]), tmp_path, seed)


@pytest.mark.skipif(not Path(os.environ["HWQ_MLPERF_TINY"]).is_dir(), reason="the official models are not here")
@pytest.mark.parametrize("name", ["ad", "ic", "kws", "vww"])
def test_the_official_models(name: str, tmp_path: Path) -> None:
    target = open_target(PROJECTS / f"{name}_8x8.yaml")
    project, accelerator = target.project, target.accelerator
    assert project is not None and accelerator is not None
    samples = choose_samples(target.network, project.data, 2, 0, 2)
    emit(target.network, accelerator, next(iter(samples.pieces(lambda: 2))), tmp_path)
    assert badly_laid_out(tmp_path) == []
    printed = passes(tmp_path)
    assert printed.count(" 0 wrong") == len(target.network.layers) + 1
