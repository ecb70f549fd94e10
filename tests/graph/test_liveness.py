"""Lives of tensors, against a plain reading of who writes and who reads what."""

from __future__ import annotations

from hwq.graph.layers import Reshape
from hwq.graph.liveness import Life, lifetimes, storage
from tests.graph.networks import network_of_every_layer


def test_a_tensor_lives_from_its_writer_to_its_last_reader() -> None:
    network = network_of_every_layer()
    lives = lifetimes(network)
    assert list(lives) == [network.input, *(layer.output for layer in network.layers)]
    for name, life in lives.items():
        written = [number for number, layer in enumerate(network.layers) if layer.output == name] or [-1]
        read = [number for number, layer in enumerate(network.layers) if name in layer.inputs]
        end = len(network.layers) if name == network.output else max(read + written)
        assert life == Life(written[0], end), name


def test_what_a_reshape_makes_lives_in_the_same_place() -> None:
    network = network_of_every_layer()
    same = storage(network)
    (reshape,) = [layer for layer in network.layers if isinstance(layer, Reshape)]
    place = same[reshape.inputs[0]]
    assert same[reshape.output] == place
    lives = lifetimes(network, same)
    assert reshape.output not in lives
    apart = lifetimes(network)
    assert lives[place].last == max(apart[reshape.output].last, apart[reshape.inputs[0]].last)
    assert set(lives) == set(same.values())


def test_inputs_and_output_of_a_layer_meet() -> None:
    assert Life(-1, 2).meets(Life(2, 3))
    assert not Life(-1, 1).meets(Life(2, 3))
    assert not Life(2, 3).meets(Life(-1, 1))
