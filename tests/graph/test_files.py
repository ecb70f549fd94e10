"""hwq's own network file: what is saved comes back exactly, and nothing damaged is taken for a network."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwq.errors import ModelError
from hwq.frontends import load
from hwq.frontends.tflite import read_tflite
from hwq.graph import layers as layer_kinds
from hwq.graph.files import load_network, network_from_bytes, network_to_bytes, save_network
from hwq.graph.network import Network
from tests.graph.networks import network_of_every_layer
from tests.support.models import OFFICIAL, official_model


def assert_equal(first: Any, second: Any, where: str) -> None:
    """Equality of values, of types and of the arrays' types, all the way down."""
    assert type(first) is type(second), where
    if isinstance(first, np.ndarray):
        assert first.dtype == second.dtype and np.array_equal(first, second), where
    elif dataclasses.is_dataclass(first):
        for field in dataclasses.fields(first):
            assert_equal(getattr(first, field.name), getattr(second, field.name), f"{where}.{field.name}")
    elif isinstance(first, (tuple, list)):
        assert len(first) == len(second), where
        for index, (one, other) in enumerate(zip(first, second, strict=True)):
            assert_equal(one, other, f"{where}[{index}]")
    elif isinstance(first, dict):
        assert list(first) == list(second), where
        for key in first:
            assert_equal(first[key], second[key], f"{where}[{key!r}]")
    else:
        assert first == second, where


def sealed(header: dict[str, Any] | bytes, arrays: bytes) -> bytes:
    """A file with a right checksum around any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode("ascii")
    body = struct.pack("<Q", len(text)) + text + arrays
    return b"hwqnet01" + hashlib.sha256(body).digest() + body


def parts(network: Network) -> tuple[dict[str, Any], bytes]:
    data = network_to_bytes(network)
    behind = 48 + int.from_bytes(data[40:48], "little")
    return json.loads(data[48:behind]), data[behind:]


def test_every_layer_comes_back(tmp_path: Path) -> None:
    network = network_of_every_layer()
    kinds = set(layer_kinds.KINDS)
    assert len(kinds) == 12
    assert {type(layer) for layer in network.layers} == kinds
    save_network(network, tmp_path / "a.hwq")
    for reader in (load_network, load):
        assert_equal(network, reader(tmp_path / "a.hwq"), "network")


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_models_come_back(name: str, tmp_path: Path) -> None:
    network = read_tflite(official_model(name))
    save_network(network, tmp_path / "a.hwq")
    assert_equal(network, load(tmp_path / "a.hwq"), "network")


def test_bytes_are_deterministic() -> None:
    data = network_to_bytes(network_of_every_layer())
    assert network_to_bytes(network_of_every_layer()) == data
    assert network_to_bytes(network_from_bytes(data)) == data
    assert network_to_bytes(network_of_every_layer(seed=6)) != data


def test_every_truncation_and_every_changed_byte_is_found() -> None:
    data = network_to_bytes(network_of_every_layer())
    for size in range(0, len(data), 13):
        with pytest.raises(ModelError):
            network_from_bytes(data[:size])
    for at in range(0, len(data), 7):
        with pytest.raises(ModelError):
            network_from_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])


def test_other_versions_are_named() -> None:
    data = network_to_bytes(network_of_every_layer())
    with pytest.raises(ModelError, match=r"file format version b'02' is not supported; supported is 01"):
        network_from_bytes(b"hwqnet02" + data[8:])


@pytest.mark.parametrize(
    "path, value, message",
    [
        (["name"], 3, "name is not text"),
        (["name"], "a b", "network name 'a b' is not an identifier"),
        (["input"], "nowhere", "the network's input 'nowhere' is not one of its tensors"),
        (["more"], 1, "the header does not hold exactly arrays, input, layers, name, output, tensors"),
        (["tensors"], {}, "something else in place of a list"),
        (["tensors", 1, "name"], "image", "two tensors share a name"),
        (["tensors", 0, "shape"], [8, 6.0, 4], r"tensors\[0\].shape\[1\] is not of type int"),
        (["tensors", 0, "shape"], [8, True, 4], r"tensors\[0\].shape\[1\] is not of type int"),
        (["tensors", 0, "shape"], [10**30], r"tensors\[0\].shape\[0\] is not of type int"),
        (["tensors", 0, "quantization", "format", "width"], 65, "width is not an integer from 1 to 64"),
        (
            ["tensors", 2, "quantization", "format", "width"],
            17,
            "tensor 'conv': int17 activations; supported are int2 to int16, and uint8",
        ),
        (["layers", 0, "layer"], "Network", r"layers\[0\].layer is not one of Conv2D, "),
        (["layers", 1, "name"], "signed", "two layers share a name"),
        (["layers", 1, "extra"], 1, r"layers\[1\] does not hold exactly name, "),
        (["layers", 1, "stride"], [1], r"layers\[1\].stride does not hold 2 values"),
        (["layers", 1, "groups"], 3, "layer conv: 4 input and 6 output channels in 3 groups"),
        (["layers", 1, "weights"], 0, r"layers\[1\].weights does not refer to the next array"),
        (["layers", 2, "kind"], "sine", r"layers\[2\].kind is not one of "),
        (["layers", 2, "alpha"], "0.1", r"layers\[2\].alpha is not of type float"),
        (["arrays", 0, 0], "object", "an array's type is not one of int8, int16, int32, float32"),
        (["arrays", 0, 1], [-1], r"\[-1\] is not an array's shape"),
        (["arrays", 0, 1], [1 << 40, 1 << 40], "an array is longer than the file"),
        (["arrays", 0, 1], [0], "the file goes on after its arrays"),
    ],
)
def test_inconsistent_headers(path: list[str | int], value: object, message: str) -> None:
    header, arrays = parts(network_of_every_layer())
    place: Any = header
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ModelError, match=message):
        network_from_bytes(sealed(header, arrays))


def test_arrays_that_nothing_uses() -> None:
    header, arrays = parts(network_of_every_layer())
    header["arrays"].append(["int8", [3]])
    with pytest.raises(ModelError, match="1 arrays belong to nothing"):
        network_from_bytes(sealed(header, arrays + b"abc"))


@pytest.mark.parametrize("text", [b"", b"{", b"[" * 100_000, b"\xff{}", b"[]"])
def test_headers_that_are_not_objects(text: bytes) -> None:
    with pytest.raises(ModelError, match="damaged: the header"):
        network_from_bytes(sealed(text, b""))


def test_an_inconsistent_network_is_not_saved(tmp_path: Path) -> None:
    network = network_of_every_layer()
    with pytest.raises(ModelError, match="output 'nowhere' is never written"):
        save_network(Network("a", network.tensors, network.layers, network.input, "nowhere"), tmp_path / "a.hwq")
    assert not (tmp_path / "a.hwq").exists()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"a\.hwq: No such file or directory"):
        save_network(network_of_every_layer(), tmp_path / "missing" / "a.hwq")
