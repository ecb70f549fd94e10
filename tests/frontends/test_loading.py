"""What a user gives by mistake is named, with what is supported instead."""

from __future__ import annotations

import errno
import io
import os
import pickle
import re
import zipfile
from pathlib import Path

import pytest

from hwq.errors import ModelError
from hwq.frontends import load
from hwq.frontends.tflite import import_model
from hwq.graph.files import save_network
from tests.graph.networks import network_of_every_layer
from tests.support.tflite_builder import ModelBuilder, Q


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x" * 50)
    return file.getvalue()


# An ONNX file begins with ir_version (field 1, a varint) and producer_name (field 2, text) of ModelProto.
ONNX = b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:" + bytes(50)

MISTAKES = {
    "empty": (b"", ": it is empty"),
    "keras": (zipped("metadata.json", "config.json", "model.weights.h5"), "looks like a Keras model"),
    "pytorch": (zipped("net/data.pkl", "net/data/0"), "looks like a PyTorch model"),
    "numpy": (zipped("x.npy", "y.npy"), "looks like a NumPy archive"),
    "zip": (zipped("model.tflite"), "looks like a zip archive"),
    "broken zip": (zipped("model.tflite")[:40], "looks like a zip archive"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(60), "looks like an HDF5 file, as Keras saves"),
    "onnx": (ONNX, "looks like an ONNX model"),
    "pickle": (pickle.dumps({"weights": [1.0]}), "looks like a Python pickle"),
    "npy": (b"\x93NUMPY\x01\x00" + bytes(60), "looks like a NumPy array"),
    "gzip": (b"\x1f\x8b\x08" + bytes(60), "looks like a gzip archive"),
    "text": (b"model: kws.tflite\narray: {rows: 8}\n", "looks like text"),
    "zeros": (bytes(64), "begins like no format that hwq recognizes"),
    "header without identifier": (b"TFL3", "looks like text"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistaken_files_are_named(case: str, tmp_path: Path) -> None:
    content, expected = MISTAKES[case]
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError) as error:
        load(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ") and expected in message and "\n" not in message
    assert "neither a TFLite model nor a network saved by hwq, the formats supported" in message


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.tflite: no such file"):
        load(tmp_path / "absent.tflite")
    with pytest.raises(ModelError, match="not a file"):
        load(tmp_path)
    with pytest.raises(ModelError, match="no such file"):
        load(tmp_path / ("n" * 200) / "m")


def test_files_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"x")

    def refuse(*_arguments: object, **_keywords: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    # Root may read every file, whatever its mode.
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ModelError, match=re.escape(f"{path}: Permission denied")):
        load(path)


def test_content_and_not_the_name_decides(tmp_path: Path) -> None:
    save_network(network_of_every_layer(), tmp_path / "a.tflite")
    assert load(tmp_path / "a.tflite").name == "every_layer"
    model = ModelBuilder()
    data = model.finish(model.unary("RELU", model.input((1, 4)), output=Q(0.1)))
    assert import_model(data, "a").input == "input_1"
    (tmp_path / "b.hwq").write_bytes(data)
    assert load(tmp_path / "b.hwq").name == "b"
