"""Operators in forms that the other networks do not have, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArrayParameters
from hwq.errors import ConfigError
from hwq.graph.checks import check_network
from hwq.graph.inputs import random_samples
from hwq.graph.layers import Add, Concatenation, Layer, Mean, Pad, Reshape
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from hwq.hls.assembly import assemble
from tests.graph.networks import FULL, quantization
from tests.hls.support import emit, passes

SIZE = Accelerator(ArrayParameters(4, 4))


class Builder:
    """A network of int8 tensors, layer by layer."""

    def __init__(self, *shape: int) -> None:
        self.tensors = {"x": Tensor("x", shape, quantization())}
        self.layers: list[Layer] = []

    def add(self, kind: type[Layer], inputs: str, name: str, shape: tuple[int, ...], **fields: Any) -> None:
        scale = 0.05 if kind in (Pad, Concatenation, Reshape) else 0.02 * (2 + len(self.layers))
        self.tensors[name] = Tensor(name, shape, quantization(scale))
        self.layers.append(kind(name=name, inputs=tuple(inputs.split()), output=name, **fields))

    def network(self) -> Network:
        output = self.layers[-1].output
        network = Network("odd", self.tensors, tuple(self.layers), "x", output)
        check_network(network)
        return network


def compare(network: Network, root: Path) -> str:
    emit(network, SIZE, random_samples(network, 4, 1), root)
    passes(root)
    return (root / "src" / f"{network.name}.cpp").read_text()


def test_sums_of_other_shapes(tmp_path: Path) -> None:
    build = Builder(4, 3, 6)
    build.add(Mean, "x", "over_channels", (4, 3, 1), axes=(2,))
    build.add(Mean, "x", "over_image", (1, 1, 6), axes=(0, 1))
    build.add(Mean, "x", "over_columns", (4, 6), axes=(1,))
    build.add(Mean, "over_columns", "of_all", (), axes=(0, 1))
    build.add(Add, "x over_channels", "first", (4, 3, 6), clamp=FULL)
    build.add(Add, "over_image first", "second", (4, 3, 6), clamp=(-100, 90))
    build.add(Add, "over_channels over_image", "both", (4, 3, 6), clamp=FULL)
    build.add(Add, "second both", "third", (4, 3, 6), clamp=FULL)
    build.add(Add, "third of_all", "last", (4, 3, 6), clamp=FULL)
    assert "hwq::broadcast<" in compare(build.network(), tmp_path)


def test_codes_that_move(tmp_path: Path) -> None:
    build = Builder(4, 3, 6)
    build.add(Concatenation, "x x", "rows", (8, 3, 6), axis=0)
    build.add(Concatenation, "rows rows rows", "channels", (8, 3, 18), axis=2)
    build.add(Pad, "channels", "padded", (9, 3, 21), amounts=((1, 0), (0, 0), (2, 1)), value=-7)
    build.add(Reshape, "padded", "flat", (567,))
    build.add(Pad, "flat", "longer", (570,), amounts=((0, 3),), value=5)
    build.add(Concatenation, "longer", "alone", (570,), axis=0)
    compare(build.network(), tmp_path)


def test_names_of_cpp_and_tensors_that_many_read(tmp_path: Path) -> None:
    build = Builder(2, 2, 3)
    build.add(Add, "x x", "double", (2, 2, 3), clamp=FULL)
    build.add(Add, "double x", "input", (2, 2, 3), clamp=FULL)
    build.add(Add, "double input", "output", (2, 2, 3), clamp=FULL)
    build.add(Add, "output double", "double_2", (2, 2, 3), clamp=FULL)
    text = compare(build.network(), tmp_path)
    assert "void double_2(" in text
    assert "hwq::fork<" in text


def test_an_output_that_layers_read_and_one_that_nobody_reads(tmp_path: Path) -> None:
    build = Builder(2, 2, 3)
    build.add(Add, "x x", "twice", (2, 2, 3), clamp=FULL)
    build.add(Add, "twice x", "unread", (2, 2, 3), clamp=FULL)
    network = Network("odd", build.tensors, tuple(build.layers), "x", "twice")
    assert "hwq::discard<" in compare(network, tmp_path)


def test_refusals_name_every_layer() -> None:
    build = Builder(2, 3, 4, 5)
    build.add(Mean, "x", "mixed", (3, 5), axes=(0, 2))
    build.add(Pad, "x", "padded", (2, 3, 4, 6), amounts=((0, 0), (0, 0), (0, 0), (1, 0)), value=0)
    with pytest.raises(ConfigError) as refusal:
        assemble(build.network(), SIZE)
    assert str(refusal.value) == (
        "layer mixed: its axes [0, 2] do not lie together; means over neighboring axes are exported\n"
        "layer padded: it pads a tensor of 4 axes; 3 at most are exported"
    )
