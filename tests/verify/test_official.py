"""The official models in Verilator: every convolution and dense layer, every bit, every cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, BufferParameters, InputZeroPoint
from hwq.config.project import load_project
from hwq.frontends import load
from hwq.graph.inputs import quantize_input, random_samples
from hwq.graph.network import Network
from hwq.verify.design import lower_design
from hwq.verify.session import verify
from tests.support.models import official_file, official_model

BUFFERS = BufferParameters(activations=1 << 17, weights=1 << 19, channels=4096, descriptors=16, accumulators=64)
DATA = {"kws": "kws_test_600.npz", "ad": "ad_normal_id01_196.npz"}


def inputs(name: str, network: Network, count: int) -> np.ndarray:
    """Real samples where there are any, random ones after them."""
    samples = random_samples(network, count, seed=7)
    if name in DATA:
        with np.load(official_file(DATA[name])) as data:
            real = quantize_input(network, data["x"][: count - 1])
        samples[: len(real)] = real
    return samples


def check(name: str, accelerator: Accelerator, count: int, directory: Path) -> None:
    network = load(official_model(name))
    design = lower_design(network, accelerator)
    report = verify(design, inputs(name, network, count), directory, {})
    assert report.match, (report.failure, [layer for layer in report.layers if not layer.match])
    assert len(report.layers) == {"ad": 10, "ic": 10, "kws": 6, "vww": 15}[name]


@pytest.mark.parametrize("size", [4, 8, 16])
@pytest.mark.parametrize("name", ["kws", "ad"])
def test_every_layer(name: str, size: int, tmp_path: Path) -> None:
    check(name, Accelerator(ArrayParameters(size, size), buffers=BUFFERS), 2, tmp_path)


def test_every_layer_with_subtracted_zero_points(tmp_path: Path) -> None:
    arithmetic = ArithmeticParameters(input_zero_point=InputZeroPoint.SUBTRACTED)
    check("kws", Accelerator(ArrayParameters(8, 8), arithmetic, buffers=BUFFERS), 2, tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("form", list(InputZeroPoint))
@pytest.mark.parametrize("size", [4, 8, 16])
@pytest.mark.parametrize("name", ["kws", "ad", "ic", "vww"])
def test_every_layer_of_every_model(name: str, size: int, form: InputZeroPoint, tmp_path: Path) -> None:
    arithmetic = ArithmeticParameters(input_zero_point=form)
    check(name, Accelerator(ArrayParameters(size, size), arithmetic, buffers=BUFFERS), 8, tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "configs/projects").glob("*.yaml")), ids=str)
def test_every_shipped_project(path: Path, tmp_path: Path) -> None:
    name = path.stem.split("_")[0]
    official_model(name)
    project = load_project(path)
    check(name, project.accelerator, 4, tmp_path)
