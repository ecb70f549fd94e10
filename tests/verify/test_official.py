"""The official models in Verilator: every layer and the whole network, every bit, every cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, BufferParameters, InputZeroPoint
from hwq.config.models import ENGINES
from hwq.config.project import load_project
from hwq.emulate import Emulator
from hwq.frontends import load
from hwq.graph.inputs import quantize_input, random_samples
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.schedule.planning import with_engines
from hwq.verify.design import lower_design
from hwq.verify.session import VerifyReport, verify
from tests.support.models import official_file, official_model
from tests.support.oracles import outputs_of

BUFFERS = BufferParameters(activations=1 << 17, weights=1 << 19, channels=4096, descriptors=32, accumulators=64)
#: Cycles that the shipped projects may take, from START to the last output.
MUST = {
    "ad_8x8": 33_700,
    "ic_8x8": 210_600,
    "kws_8x8": 53_000,
    "vww_8x8": 151_000,
    "ad_16x16": 17_400,
    "ic_16x16": 56_700,
    "kws_16x16": 19_200,
    "vww_16x16": 60_500,
}
DATA = {"kws": "kws_test_600.npz", "ad": "ad_normal_id01_196.npz"}


def inputs(name: str, network: Network, count: int) -> np.ndarray:
    """Real samples where there are any, random ones after them."""
    samples = random_samples(network, count, seed=7)
    if name in DATA:
        with np.load(official_file(DATA[name])) as data:
            real = quantize_input(network, data["x"][: count - 1])
        samples[: len(real)] = real
    return samples


def check(name: str, accelerator: Accelerator, count: int, directory: Path) -> VerifyReport:
    """Every layer by itself and the whole network; the network's outputs are tflite-micro's too."""
    model = official_model(name)
    network = load(model)
    accelerator = with_engines(network, accelerator, ENGINES)
    design = lower_design(network, accelerator)
    x = inputs(name, network, count)
    report = verify(design, x, directory, {})
    assert report.match, (report.failure, [layer for layer in report.layers if not layer.match])
    assert len(report.layers) == {"ad": 10, "ic": 14, "kws": 11, "vww": 29}[name]
    assert {found.layer.op for found in design.host} <= {"softmax"}
    assert report.network is not None
    run = design.program.network
    assert run is not None
    with np.load(directory / "simulation" / "results" / f"{run.name}.npz") as result:
        codes = result["output"].astype(np.int8)
    # What is left to the host goes through the emulator; then it must be what tflite-micro says.
    last = codes.reshape(count, *run.output.shape)
    for layer in network.layers:
        if layer.name in design.program.after:
            last = Emulator(alone(network, layer)).run(last)
    assert np.array_equal(last.reshape(count, -1), outputs_of("tflite_micro", model.read_bytes(), x).reshape(count, -1))
    return report


def alone(network: Network, layer: Layer) -> Network:
    """A network of one of the layers."""
    return Network(layer.name, network.tensors, (layer,), layer.inputs[0], layer.output)


@pytest.mark.parametrize("size", [4, 8, 16])
@pytest.mark.parametrize("name", ["kws", "ad"])
def test_a_whole_network(name: str, size: int, tmp_path: Path) -> None:
    check(name, Accelerator(ArrayParameters(size, size), buffers=BUFFERS), 2, tmp_path)


def test_a_whole_network_with_subtracted_zero_points(tmp_path: Path) -> None:
    arithmetic = ArithmeticParameters(input_zero_point=InputZeroPoint.SUBTRACTED)
    check("kws", Accelerator(ArrayParameters(8, 8), arithmetic, buffers=BUFFERS), 2, tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("form", list(InputZeroPoint))
@pytest.mark.parametrize("size", [4, 8, 16])
@pytest.mark.parametrize("name", ["kws", "ad", "ic", "vww"])
def test_every_model_whole(name: str, size: int, form: InputZeroPoint, tmp_path: Path) -> None:
    arithmetic = ArithmeticParameters(input_zero_point=form)
    check(name, Accelerator(ArrayParameters(size, size), arithmetic, buffers=BUFFERS), 8, tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "configs/projects").glob("*.yaml")), ids=str)
def test_every_shipped_project(path: Path, tmp_path: Path) -> None:
    name = path.stem.split("_")[0]
    official_model(name)
    report = check(name, load_project(path).accelerator, 4, tmp_path)
    assert report.cycles is not None
    assert report.cycles <= MUST[path.stem]
