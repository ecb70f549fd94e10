"""Reads mutated files of one model in a process with bounded memory: ``python -m tests.support.fuzz_worker``.

Arguments: file, seed, first index, count. Prints one JSON object; every outcome but a network or a ModelError ends the
process with the index to reproduce it. An index determines its mutation, whatever the others were.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import numpy as np
import tflite

from hwq.errors import ModelError
from hwq.floating.checks import check_float_network
from hwq.frontends.tflite import import_float_model, import_model
from hwq.frontends.tflite.schema import RawModel
from hwq.graph.checks import check_network
from hwq.graph.files import MAGIC, network_from_bytes
from tests.support.mutations import mutate, mutate_network

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


def _own(data: bytes) -> None:
    check_network(network_from_bytes(data))


def _quantized(data: bytes) -> None:
    check_network(import_model(data, "mutated"))


def _float(data: bytes) -> None:
    check_float_network(import_float_model(data, "mutated"))


def reader(data: bytes) -> Callable[[bytes], None]:
    """What reads the intact file, which is what reads its mutations, whatever the damaged bytes say."""
    if data.startswith(MAGIC):
        return _own
    graph = tflite.Model.GetRootAsModel(data, 0).Subgraphs(0)
    kinds = {graph.Tensors(index).Type() for index in (*graph.InputsAsNumpy(), *graph.OutputsAsNumpy())}
    quantizes = any(operator.kind == "QUANTIZE" for operator in RawModel(data).operators)
    return _float if kinds == {tflite.TensorType.FLOAT32} and not quantizes else _quantized


def read(data: bytes, consistent: Callable[[bytes], None]) -> bool:
    """Whether ``data`` reads as a network, which then is consistent; anything but a ModelError escapes."""
    try:
        consistent(data)
    except ModelError as error:
        message = str(error)
        assert message and len(message) < 2000, f"message of {len(message)} characters"
        return False
    return True


def _out_of_time(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"more than {_SECONDS} s")


def main(path: str, seed: int, first: int, count: int) -> None:
    data = Path(path).read_bytes()
    consistent = reader(data)
    favored = None if consistent is _own else structure(data)
    consistent(data)
    signal.signal(signal.SIGPROF, _out_of_time)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else None
    if pages is not None:
        limit = pages * resource.getpagesize() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    loaded, slowest = 0, 0.0
    for index in range(first, first + count):
        rng = np.random.default_rng([seed, index])
        mutated = mutate_network(data, rng) if favored is None else mutate(data, rng, favored)
        start = time.process_time()
        # The timer ends a loop that would never come back; it counts the process's own time, not the machine's load.
        signal.setitimer(signal.ITIMER_PROF, _SECONDS)
        try:
            loaded += read(mutated, consistent)
        except BaseException:
            print(f"mutation {index} of {path} with seed {seed}", file=sys.stderr)
            raise
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        slowest = max(slowest, time.process_time() - start)
    print(json.dumps({"files": count, "loaded": loaded, "refused": count - loaded, "slowest_seconds": slowest}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
