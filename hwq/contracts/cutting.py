"""Parts of a ``.tflite`` file: some of its operators, with other tensors as inputs and outputs.

Nothing is parsed and written anew, so every runtime reads its operators, options and constants from the very bytes the
file has. Vectors of operators get shorter in place; those of inputs and outputs are appended, and offsets changed.
An offset in a FlatBuffer is a distance forward, and both are: what a vector's entry leads to lies behind the vector.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

#: Slots of the schema's tables Model and SubGraph.
_SUBGRAPHS, _METADATA, _SIGNATURES = 2, 6, 7
_INPUTS, _OUTPUTS, _OPERATORS = 1, 2, 3


def cut(model: bytes, operators: Sequence[int], inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
    """The file with only these operators, inputs and outputs.

    Signatures and metadata go: they speak of the inputs, outputs and memory of the whole.

    Parameters
    ----------
    model:
        A file that hwq has read: its offsets are known to be sound.
    operators:
        Indices of those that stay, ascending.
    inputs, outputs:
        Indices of tensors of the first subgraph.
    """
    data = bytearray(model)
    root = _u32(data, 0)
    for slot in (_METADATA, _SIGNATURES):
        place = _field(data, root, slot)
        if place is not None:
            struct.pack_into("<I", data, place + _u32(data, place), 0)
    graph = _entry(data, _vector(data, root, _SUBGRAPHS), 0)
    vector = _vector(data, graph, _OPERATORS)
    tables = [_entry(data, vector, index) for index in operators]
    struct.pack_into("<I", data, vector, len(tables))
    for index, table in enumerate(tables):
        place = vector + 4 + 4 * index
        struct.pack_into("<I", data, place, table - place)
    for slot, tensors in ((_INPUTS, inputs), (_OUTPUTS, outputs)):
        place = _field(data, graph, slot)
        assert place is not None, "a model that was read has inputs and outputs"
        data.extend(bytes(-len(data) % 4))
        struct.pack_into("<I", data, place, len(data) - place)
        data.extend(struct.pack(f"<I{len(tensors)}i", len(tensors), *tensors))
    return bytes(data)


def _u32(data: bytearray, place: int) -> int:
    return int(struct.unpack_from("<I", data, place)[0])


def _field(data: bytearray, table: int, slot: int) -> int | None:
    """Where the table's field is, ``None`` where it is absent."""
    vtable = table - int(struct.unpack_from("<i", data, table)[0])
    entry = 4 + 2 * slot
    if entry + 2 > struct.unpack_from("<H", data, vtable)[0]:
        return None
    offset = int(struct.unpack_from("<H", data, vtable + entry)[0])
    return table + offset if offset else None


def _vector(data: bytearray, table: int, slot: int) -> int:
    place = _field(data, table, slot)
    assert place is not None, "a model that was read has its vectors"
    return place + _u32(data, place)


def _entry(data: bytearray, vector: int, index: int) -> int:
    """The table that a vector's entry leads to."""
    place = vector + 4 + 4 * index
    return place + _u32(data, place)
