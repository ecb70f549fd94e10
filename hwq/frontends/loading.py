"""Which reader a file needs, found from its first bytes and not from its name."""

from __future__ import annotations

from pathlib import Path

from hwq.errors import ModelError
from hwq.frontends.tflite import import_model
from hwq.frontends.tflite.schema import IDENTIFIER
from hwq.graph.files import MAGIC, network_from_bytes, read_bytes
from hwq.graph.network import Network


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
        raise ModelError("neither a TFLite model nor a network saved by hwq")
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
