"""A saved network has the layout of docs/spec/network_file.md."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from hwq.graph.files import network_to_bytes
from tests.docs.tables import DOCS
from tests.graph.networks import network_of_every_layer


def test_layout() -> None:
    text = (DOCS / "spec" / "network_file.md").read_text(encoding="utf-8")
    assert "| 6 | 2 | version of the format, two digits: `01` |" in text
    data = network_to_bytes(network_of_every_layer())
    assert data[:8] == b"hwqnet01"
    assert data[8:40] == hashlib.sha256(data[40:]).digest()
    behind = 48 + int.from_bytes(data[40:48], "little")
    header = json.loads(data[48:behind].decode("ascii"))
    assert json.dumps(header, sort_keys=True, separators=(",", ":")).encode("ascii") == data[48:behind]
    assert sorted(header) == ["arrays", "input", "layers", "name", "output", "tensors"]
    assert all(f"`{key}`" in text for key in header)
    assert {kind for kind, _ in header["arrays"]} <= {"int8", "int32", "float32"}
    assert sum(np.dtype(kind).itemsize * int(np.prod(shape)) for kind, shape in header["arrays"]) == len(data) - behind
