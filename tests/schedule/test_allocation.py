"""Tensors that live at the same time do not overlap, and little room is wasted."""

from __future__ import annotations

import pytest

from hwq.frontends import load
from hwq.graph.layers import Reshape
from hwq.graph.network import Network
from hwq.schedule.allocation import allocate
from tests.graph.networks import network_of_every_layer
from tests.support.convolutions import small_network
from tests.support.models import OFFICIAL, official_model


def lives(network: Network) -> dict[str, tuple[int, int]]:
    """First and last layer of every tensor's life, found by looking at every layer for every tensor."""
    found = {}
    for name in network.tensors:
        written = [number for number, layer in enumerate(network.layers) if layer.output == name]
        read = [number for number, layer in enumerate(network.layers) if name in layer.inputs]
        end = len(network.layers) if name == network.output else max(read, default=-1)
        found[name] = (written[0] if written else -1, max(end, *written, -1))
    return found


def check(network: Network, word: int) -> int:
    """Check the allocation; returns the elements it takes."""
    allocation = allocate(network, word)
    life = lives(network)
    same = {(layer.inputs[0], layer.output) for layer in network.layers if isinstance(layer, Reshape)}
    assert set(allocation.bases) == set(network.tensors)
    for name, tensor in network.tensors.items():
        base = allocation.bases[name]
        assert base % word == 0
        assert base + tensor.elements <= allocation.elements
        for other, beside in network.tensors.items():
            if other == name or {(name, other), (other, name)} & same:
                continue
            apart = life[name][1] < life[other][0] or life[other][1] < life[name][0]
            begin = allocation.bases[other]
            assert apart or base + tensor.elements <= begin or begin + beside.elements <= base, (name, other)
    for source, target in same:
        assert allocation.bases[source] == allocation.bases[target]
    return allocation.elements


@pytest.mark.parametrize("word", [2, 8, 16])
def test_a_network_of_every_layer(word: int) -> None:
    check(network_of_every_layer(), word)


def test_input_and_output_of_a_layer_lie_apart() -> None:
    allocation = allocate(small_network(), 4)
    # 180 elements of the widest tensor, and its 90, rounded up to words, of input below or above.
    assert allocation.elements == 272
    assert {allocation.bases["wide"], allocation.bases["image"]} == {0, 180}


@pytest.mark.parametrize("word", [4, 8, 16])
@pytest.mark.parametrize(("name", "peak"), [("ad", 768), ("ic", 49_152), ("kws", 16_000), ("vww", 55_296)])
def test_the_official_models_take_no_more_than_what_lives_at_once(name: str, peak: int, word: int) -> None:
    assert set(OFFICIAL) == {"ad", "ic", "kws", "vww"}
    assert check(load(official_model(name)), word) == peak


def test_a_reshape_takes_no_room() -> None:
    network = load(official_model("kws"))
    (reshape,) = [layer for layer in network.layers if isinstance(layer, Reshape)]
    bases = allocate(network, 8).bases
    assert bases[reshape.inputs[0]] == bases[reshape.output]
