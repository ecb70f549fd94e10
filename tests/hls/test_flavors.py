"""The same C++ in the types of the vendors, compiled with their own headers."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from hwq.cli.inputs import open_target
from hwq.frontends.sources import choose_samples
from hwq.graph.inputs import random_samples
from hwq.hls.flavors import VENDORS, Flavor
from hwq.toolchain.hls_types import find_types
from tests.graph.networks import network_of_every_layer
from tests.hls.support import badly_laid_out, edit, emit, hardware, make, passes

PROJECTS = Path(__file__).parents[2] / "configs" / "projects"

VENDORED = list(VENDORS)


def types(flavor: Flavor) -> str:
    return f"TYPES={find_types(flavor).origin}"


@pytest.mark.parametrize("flavor", VENDORED)
def test_every_kind_of_layer(flavor: Flavor, tmp_path: Path) -> None:
    network = network_of_every_layer()
    emit(network, hardware(4, 2), random_samples(network, 2, 0), tmp_path, flavor)
    assert badly_laid_out(tmp_path) == []
    assert passes(tmp_path, types(flavor)).count(" 0 wrong") == len(network.layers) + 1
    # The fault is in a header that all flavors share.
    edit(tmp_path / "include" / "hwq_requantize.h", "(integer<34>(1) << (bits - 1))", "0")
    done = make(tmp_path, "test", types(flavor))
    assert done.returncode != 0 and "FAIL: " in done.stdout


def test_one_header_differs(tmp_path: Path) -> None:
    network = network_of_every_layer()
    texts = {}
    for flavor in Flavor:
        emit(network, hardware(4, 2), random_samples(network, 1, 0), tmp_path / flavor, flavor)
        texts[flavor] = {
            str(path.relative_to(tmp_path / flavor)): path.read_text()
            for path in (tmp_path / flavor).rglob("*")
            if path.suffix in (".h", ".cpp")
        }
    texts[Flavor.PORTABLE].pop("include/hwq_stream.h")
    types = {flavor: text.pop("include/hwq_types.h") for flavor, text in texts.items()}
    assert texts[Flavor.PORTABLE] == texts[Flavor.VITIS] == texts[Flavor.CATAPULT]
    assert len(set(types.values())) == len(Flavor)


@pytest.mark.parametrize("flavor", VENDORED)
def test_headers_that_are_missing_are_named(flavor: Flavor, tmp_path: Path) -> None:
    network, vendor = network_of_every_layer(), VENDORS[flavor]
    emit(network, hardware(4, 2), random_samples(network, 1, 0), tmp_path, flavor)
    done = make(tmp_path, "test", f"{vendor.variable}=/nowhere")
    assert done.returncode != 0
    said = f"{vendor.header} of {vendor.tool} is not in '/nowhere/{vendor.below}': make TYPES=DIR says where it is"
    assert done.stderr.splitlines()[0] == said


@pytest.mark.parametrize("flavor", VENDORED)
def test_the_build_script_names_files_that_are_there(flavor: Flavor, tmp_path: Path) -> None:
    network = network_of_every_layer()
    emit(network, hardware(4, 2), random_samples(network, 1, 0), tmp_path, flavor)
    script = (tmp_path / "build.tcl").read_text()
    named = re.findall(r"\b(?:src|tb)/[\w./]+", script)
    assert set(named) >= {"src/every_layer.cpp", "tb/every_layer_tb.cpp", "tb/vectors"}
    assert all((tmp_path / name).exists() for name in named)
    assert "build.tcl" in (tmp_path / "README.md").read_text()


@pytest.mark.skipif(not Path(os.environ["HWQ_MLPERF_TINY"]).is_dir(), reason="the official models are not here")
@pytest.mark.parametrize("flavor", VENDORED)
@pytest.mark.parametrize(
    "name", ["kws", *(pytest.param(name, marks=pytest.mark.proof) for name in ("ad", "ic", "vww"))]
)
def test_the_official_models(name: str, flavor: Flavor, tmp_path: Path) -> None:
    target = open_target(PROJECTS / f"{name}_8x8.yaml")
    project, accelerator = target.project, target.accelerator
    assert project is not None and accelerator is not None
    samples = choose_samples(target.network, project.data, 1, 0, 1)
    emit(target.network, accelerator, next(iter(samples.pieces(lambda: 1))), tmp_path, flavor)
    assert passes(tmp_path, types(flavor)).count(" 0 wrong") == len(target.network.layers) + 1
