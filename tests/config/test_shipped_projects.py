"""Every project below configs/ loads, and its network fits its accelerator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwq.config.models import project_schema
from hwq.config.project import load_project
from hwq.frontends import load
from hwq.frontends.samples import open_samples
from hwq.graph.shapes import peak_activation_bytes, weight_bytes
from hwq.schedule.planning import with_engines
from hwq.verify.design import lower_design
from tests.support.models import official_file

CONFIGS = Path(__file__).parents[2] / "configs"
FILES = sorted(CONFIGS.glob("projects/*.yaml"))


def test_the_official_models_have_their_projects() -> None:
    names = {f"{model}_{size}x{size}" for model in ("ad", "ic", "kws", "vww") for size in (8, 16)}
    assert names == {path.stem for path in CONFIGS.glob("projects/*.yaml")}


def test_the_schema_beside_the_projects_is_current() -> None:
    # Renewed by: hwq schema > configs/project.schema.json
    assert json.loads((CONFIGS / "project.schema.json").read_text()) == project_schema()


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(CONFIGS)) for path in FILES])
def test_it_loads_and_fits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", str(official_file("ad01_int8.tflite").parent))
    # What makes an editor complete and check the file.
    assert path.read_text().startswith("# yaml-language-server: $schema=../project.schema.json\n")
    project = load_project(path)
    network = load(project.model)
    program = lower_design(network, with_engines(network, project.accelerator, project.auto)).program
    assert len(program.layers) > 5
    # Room for the whole network, which is more than for one layer.
    buffers = project.accelerator.buffers
    assert buffers.activations >= peak_activation_bytes(network)
    assert buffers.weights >= sum(weight_bytes(layer) for layer in network.layers)
    assert buffers.descriptors > len([layer for layer in network.layers if layer.op not in ("reshape", "softmax")])
    size = int(path.stem.rpartition("x")[2])
    assert (project.accelerator.array.rows, project.accelerator.array.columns) == (size, size)
    if project.data is not None:
        assert open_samples(project.data, network).count > 100
