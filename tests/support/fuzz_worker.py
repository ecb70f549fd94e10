"""Reads mutated files of one model in a process with bounded memory: ``python -m tests.support.fuzz_worker``.

Arguments: file, seed, first index, count. Prints one JSON object; every outcome but a network or a ModelError ends the
process with the index to reproduce it. An index determines its mutation, whatever the others were.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import tflite

from hwq.errors import ModelError
from hwq.frontends.tflite import import_model
from hwq.graph.checks import check_network
from tests.support.mutations import mutate

#: What reading may take beyond the intact process: the files are at most 0.4 MB.
_MEMORY = 256 << 20
_SECONDS = 2.0


def structure(data: bytes) -> np.ndarray:
    """Offsets of the file's structure: all of it but the inside of large constants and of per-channel quantization."""
    model = tflite.Model.GetRootAsModel(data, 0)
    keep = np.ones(len(data), bool)
    tables = [(model.Buffers(index), (4,), 1) for index in range(model.BuffersLength())]
    for index in range(model.Subgraphs(0).TensorsLength()):
        quantization = model.Subgraphs(0).Tensors(index).Quantization()
        if quantization is not None:
            tables += [(quantization, (4, 6, 8), 4), (quantization, (10,), 8)]
    for table, fields, size in tables:
        for field in filter(None, map(table._tab.Offset, fields)):
            start, length = table._tab.Vector(field), table._tab.VectorLen(field) * size
            if length > 64:
                keep[start : start + length] = False
    return np.flatnonzero(keep)


def read(data: bytes) -> bool:
    """Whether ``data`` reads as a network, which then is consistent; anything but a ModelError escapes."""
    try:
        network = import_model(data, "mutated")
    except ModelError as error:
        message = str(error)
        assert message and len(message) < 2000, f"message of {len(message)} characters"
        return False
    check_network(network)
    return True


def main(path: str, seed: int, first: int, count: int) -> None:
    data = Path(path).read_bytes()
    favored = structure(data)
    assert read(data)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else None
    if pages is not None:
        limit = pages * resource.getpagesize() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    loaded, slowest = 0, 0.0
    for index in range(first, first + count):
        mutated = mutate(data, np.random.default_rng([seed, index]), favored)
        start = time.process_time()
        try:
            loaded += read(mutated)
        except BaseException:
            print(f"mutation {index} of {path} with seed {seed}", file=sys.stderr)
            raise
        elapsed = time.process_time() - start
        slowest = max(slowest, elapsed)
        assert elapsed < _SECONDS, f"mutation {index} of {path} with seed {seed} took {elapsed:.1f} s"
    print(json.dumps({"files": count, "loaded": loaded, "refused": count - loaded, "slowest_seconds": slowest}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
