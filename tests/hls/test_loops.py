"""The loops that are stated are those of the C++: every round of a pipelined loop is counted while it runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.emulate import Emulator
from hwq.graph.inputs import random_samples
from hwq.graph.network import Network
from hwq.hls.assembly import assemble
from hwq.hls.emission import write_project
from hwq.hls.flavors import Flavor
from tests.graph.networks import network_of_every_layer
from tests.hls.support import edit, hardware, passes
from tests.support.random_networks import random_network


def counted(network: Network, accelerator: Accelerator, root: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Cycles of each layer as they are stated, and rounds times interval as they are counted in one sample."""
    source = assemble(network, accelerator)
    vectors = Emulator(network).trace(random_samples(network, 1, 0))
    write_project(source, Flavor.PORTABLE, vectors, root)
    for header in (root / "include").iterdir():
        text = header.read_text()
        header.write_text(re.sub(r"#pragma HLS pipeline II = (\d+)", r"hwq::cycles() += \1;", text))
    edit(
        root / "include" / "hwq_types.h",
        "namespace hwq {\n",
        "namespace hwq {\ninline long& cycles() {\n  static long count = 0;\n  return count;\n}\n",
    )
    edit(root / "include" / "hwq_bench.h", "%ld wrong\\n", "%ld wrong, %ld cycles\\n")
    edit(root / "include" / "hwq_bench.h", "wrong_ - before);", "wrong_ - before, cycles());")
    edit(root / "include" / "hwq_bench.h", "elements_ = 0;", "elements_ = 0, cycles() = 0;")
    found = re.findall(r"^(\S+) +\d+ codes, 0 wrong, (\d+) cycles$", passes(root), flags=re.MULTILINE)
    stated = {layer.layer: layer.cycles for layer in source.layers}
    return stated, {name: int(count) for name, count in found if name != "whole-network"}


@pytest.mark.parametrize(("rows", "columns"), [(3, 2), (4, 4)])
def test_of_every_kind_of_layer(rows: int, columns: int, tmp_path: Path) -> None:
    stated, found = counted(network_of_every_layer(), hardware(rows, columns), tmp_path)
    assert stated == found
    assert min(found.values()) > 0


@pytest.mark.parametrize("seed", range(20, 23))
def test_of_random_networks(seed: int, tmp_path: Path) -> None:
    stated, found = counted(random_network(seed), hardware(4, 4), tmp_path)
    assert stated == found


def test_the_readme_states_them(tmp_path: Path) -> None:
    network = network_of_every_layer()
    source = assemble(network, hardware(4, 2))
    write_project(source, Flavor.PORTABLE, Emulator(network).trace(random_samples(network, 1, 0)), tmp_path)
    text = (tmp_path / "README.md").read_text()
    for layer in source.layers:
        for loop in layer.computation.loops:
            product = " x ".join(map(str, loop.trips))
            assert f"| `{layer.name}` | {loop.name} | {product} | {loop.interval} | {loop.cycles:,} |" in text
    assert f"of\n{max(layer.cycles for layer in source.layers):,} cycles" in text
