"""Which reader a file needs, found from its content and not from its name."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from hwq.errors import ModelError
from hwq.floating.network import FloatNetwork
from hwq.frontends.tflite import import_float_model, import_model
from hwq.frontends.tflite.schema import IDENTIFIER
from hwq.graph.files import MAGIC, network_from_bytes, read_bytes
from hwq.graph.network import Network

#: How files that are given by mistake begin.
_SIGNATURES = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras saves"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x80\x02", "a Python pickle, as older PyTorch saves"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
)
#: ONNX: field 1 of the message is the version of its format, a number of one byte; field 2 names the producer.
_ONNX_VERSION, _ONNX_PRODUCER = 0x08, 0x12


def load(path: str | Path) -> Network:
    """The network in a model file.

    Parameters
    ----------
    path:
        An int8 ``.tflite`` file or one of hwq's own (``hwq.graph.files.save_network``).

    Raises
    ------
    ModelError
        The file cannot be read, is neither, is damaged, or holds something unsupported. The message begins with the
        path and names operator, tensor and reason.
    """
    path = Path(path)
    data = read_bytes(path)
    try:
        if data[4:8] == IDENTIFIER:
            return import_model(data, path.stem)
        if data.startswith(MAGIC):
            return network_from_bytes(data)
        raise ModelError(
            f"neither a TFLite model nor a network saved by hwq, the formats supported: it {_likeness(data)}"
        )
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def load_float(path: str | Path) -> FloatNetwork:
    """The network of real numbers in a model file, as `hwq.quantize` takes it.

    Parameters
    ----------
    path:
        A float ``.tflite`` file.

    Raises
    ------
    ModelError
        As `load`; also where the network is quantized already.
    """
    path = Path(path)
    data = read_bytes(path)
    try:
        if data[4:8] == IDENTIFIER:
            return import_float_model(data, path.stem)
        if data.startswith(MAGIC):
            raise ModelError("a network saved by hwq is quantized already; needed is a TFLite model of real numbers")
        raise ModelError(f"no TFLite model, the format of real numbers that is supported: it {_likeness(data)}")
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None


def _likeness(data: bytes) -> str:
    """What a file that no reader takes is, as far as its content shows."""
    if not data:
        return "is empty"
    if data.startswith(b"PK\x03\x04"):
        return f"looks like {_archive(data)}"
    for signature, what in _SIGNATURES:
        if data.startswith(signature):
            return f"looks like {what}"
    if data[0] == _ONNX_VERSION and data[2:3] == bytes([_ONNX_PRODUCER]):
        return "looks like an ONNX model"
    beginning = data[:512]
    if all(byte >= 0x20 or byte in b"\t\n\r" for byte in beginning):
        return "looks like text"
    return "begins like no format that hwq recognizes"


def _archive(data: bytes) -> str:
    """What a zip archive holds, told by the names in it; nothing is unpacked."""
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "a zip archive"
    if "config.json" in names and "metadata.json" in names:
        return "a Keras model"
    if any(name.endswith("data.pkl") for name in names):
        return "a PyTorch model"
    if names and all(name.endswith(".npy") for name in names):
        return "a NumPy archive"
    return "a zip archive"
