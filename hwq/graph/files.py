"""hwq's own network file: deterministic bytes, no code, every byte under a checksum.

Layout, all numbers little-endian:

======  =======================================================================
offset  content
======  =======================================================================
0       ``hwqnet`` and two digits of the format's version
8       SHA-256 of everything after it, 32 bytes
40      length of the header in bytes, unsigned 64-bit
48      header: JSON in ASCII, keys sorted, no spaces
then    the arrays in the header's order, without gaps, row-major
======  =======================================================================

The header holds ``name``, ``input``, ``output``, ``tensors``, ``layers`` (the key ``layer`` of each names its class),
and ``arrays``: type and shape of each. A layer's field that is an array holds the array's number.
"""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from hwq.errors import ModelError
from hwq.graph import layers as layer_kinds
from hwq.graph.checks import check_network
from hwq.graph.codec import ARRAY_TYPES, Array, Decoder, Encoder
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor

#: How every file begins, whatever its version.
MAGIC = b"hwqnet"
_VERSION = b"01"
_HEADER_AT = 48

#: Largest model file of any format that is read: far above any network for on-chip inference.
MAX_BYTES = 1 << 28

_KINDS: dict[str, type[Layer]] = {kind.__name__: kind for kind in layer_kinds.KINDS}


def read_bytes(path: Path) -> bytes:
    """The contents of a model file; ModelError where it is missing, not a file, not readable or above 256 MiB."""
    try:
        if not path.is_file():
            raise ModelError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise ModelError(f"{path}: above {MAX_BYTES >> 20} MiB, the largest model file supported")
    return data


def save_network(network: Network, path: str | Path) -> None:
    """Write ``network`` to ``path``; the same network always gives the same bytes.

    Raises
    ------
    ModelError
        The network is not consistent, or the file cannot be written.
    """
    data = network_to_bytes(network)
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from None


def load_network(path: str | Path) -> Network:
    """The network that `save_network` wrote to ``path``.

    Raises
    ------
    ModelError
        The file cannot be read, is not such a file, or is damaged.
    """
    path = Path(path)
    data = read_bytes(path)
    try:
        return network_from_bytes(data)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def network_to_bytes(network: Network) -> bytes:
    """The file's content for ``network``; equal networks give equal bytes, different ones different bytes."""
    check_network(network)
    encoder = Encoder()
    tensors = [encoder.encode(tensor) for tensor in network.tensors.values()]
    layers = [{"layer": type(layer).__name__} | encoder.encode(layer) for layer in network.layers]
    header = {
        "name": network.name,
        "input": network.input,
        "output": network.output,
        "tensors": tensors,
        "layers": layers,
        "arrays": [[array.dtype.name, list(array.shape)] for array in encoder.arrays],
    }
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    contents = [_little_endian(array).tobytes() for array in encoder.arrays]
    body = struct.pack("<Q", len(text)) + text + b"".join(contents)
    return MAGIC + _VERSION + hashlib.sha256(body).digest() + body


def network_from_bytes(data: bytes) -> Network:
    """The network in the content of a file; ModelError where it is damaged."""
    if data[: len(MAGIC)] != MAGIC:
        raise ModelError("not a network saved by hwq")
    version = data[len(MAGIC) : 8]
    if version != _VERSION:
        raise ModelError(f"file format version {version!r} is not supported; supported is {_VERSION.decode()}")
    if len(data) < _HEADER_AT or hashlib.sha256(data[40:]).digest() != data[8:40]:
        raise ModelError("damaged or truncated: the checksum does not match")
    (length,) = struct.unpack_from("<Q", data, 40)
    if length > len(data) - _HEADER_AT:
        raise ModelError("damaged: the header is longer than the file")
    header = _header(data[_HEADER_AT : _HEADER_AT + length])
    decoder = Decoder(_arrays(header["arrays"], data, _HEADER_AT + length))
    tensors: list[Tensor] = [
        decoder.record(Tensor, value, f"tensors[{index}]") for index, value in enumerate(_list(header["tensors"]))
    ]
    by_name = {tensor.name: tensor for tensor in tensors}
    if len(by_name) != len(tensors):
        raise ModelError("two tensors share a name")
    layers = tuple(_layer(decoder, value, f"layers[{i}]") for i, value in enumerate(_list(header["layers"])))
    decoder.finish()
    for key in ("name", "input", "output"):
        if not isinstance(header[key], str):
            raise ModelError(f"{key} is not text")
    network = Network(header["name"], by_name, layers, header["input"], header["output"])
    check_network(network)
    return network


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("ascii"))
    except (ValueError, RecursionError):
        raise ModelError("damaged: the header is not JSON") from None
    wanted = ["arrays", "input", "layers", "name", "output", "tensors"]
    if not isinstance(header, dict) or sorted(header) != wanted:
        raise ModelError(f"damaged: the header does not hold exactly {', '.join(wanted)}")
    return header


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ModelError("damaged: the header holds something else in place of a list")
    return value


def _arrays(described: Any, data: bytes, position: int) -> list[Array]:
    """The file's arrays, which must fill it exactly; so their total size is the file's, whatever the header says."""
    arrays = []
    for item in _list(described):
        if not isinstance(item, list) or len(item) != 2 or item[0] not in ARRAY_TYPES:
            raise ModelError(f"damaged: an array's type is not one of {', '.join(ARRAY_TYPES)}")
        dtype = np.dtype(item[0]).newbyteorder("<")
        shape = _list(item[1])
        if len(shape) > 8 or any(type(size) is not int or size < 0 for size in shape):
            raise ModelError(f"damaged: {shape} is not an array's shape")
        count = 1
        for size in shape:
            count *= size
        if count * dtype.itemsize > len(data) - position:
            raise ModelError("damaged: an array is longer than the file")
        values = np.frombuffer(data, dtype=dtype, count=count, offset=position)
        # A copy of its own is aligned and in the machine's byte order.
        arrays.append(values.astype(item[0]).reshape(shape))
        position += count * dtype.itemsize
    if position != len(data):
        raise ModelError("damaged: the file goes on after its arrays")
    return arrays


def _layer(decoder: Decoder, value: Any, where: str) -> Layer:
    if not isinstance(value, dict) or not isinstance(value.get("layer"), str) or value["layer"] not in _KINDS:
        raise ModelError(f"{where}.layer is not one of {', '.join(_KINDS)}")
    fields = {key: item for key, item in value.items() if key != "layer"}
    layer: Layer = decoder.record(_KINDS[value["layer"]], fields, where)
    return layer


def _little_endian(array: Array) -> Array:
    return np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
