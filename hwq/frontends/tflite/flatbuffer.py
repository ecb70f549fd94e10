"""Bounds-checked reading of FlatBuffers: no offset of the file is followed before it is known to lie inside.

The generated ``tflite`` classes trust every offset, so a damaged file makes them read anywhere and loop over vectors
that are not there. Here every access is checked, and a budget proportional to the file's size bounds the total of what
is read: tables may share vectors, so a small file could otherwise describe an enormous one.

The layout is that of https://flatbuffers.dev/internals: a table starts with the signed distance back to its vtable; the
vtable holds its own size, the table's size and one 16-bit offset per field, 0 where the field has its default.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ModelError

#: How often, on average, each byte of a file may be read, and a floor for tiny files.
_READS_PER_BYTE = 64
_LEAST_BUDGET = 1 << 20
#: What a table and an integer that become Python objects cost, in bytes: about what they occupy in memory.
_TABLE_COST = 1024
_INTEGER_COST = 64

_FORMATS = {
    "int8": struct.Struct("<b"),
    "uint8": struct.Struct("<B"),
    "uint16": struct.Struct("<H"),
    "int32": struct.Struct("<i"),
    "uint32": struct.Struct("<I"),
    "uint64": struct.Struct("<Q"),
    "float32": struct.Struct("<f"),
    "bool": struct.Struct("<?"),
}


class Source:
    """The bytes of one file and what may still be read of them.

    Parameters
    ----------
    data:
        The whole file.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._budget = max(_LEAST_BUDGET, _READS_PER_BYTE * len(data))

    def charge(self, size: int) -> None:
        """Take ``size`` bytes from the budget; ModelError when it is used up."""
        self._budget -= size
        if self._budget < 0:
            raise ModelError("its tables refer to the same bytes over and over, which no converter writes")

    def require(self, position: int, size: int) -> None:
        """ModelError unless ``size`` bytes at ``position`` lie inside the file."""
        if position < 0 or size < 0 or position + size > len(self.data):
            raise ModelError(
                f"damaged or truncated: {size} bytes at offset {position} are outside the file's {len(self.data)} bytes"
            )

    def scalar(self, kind: str, position: int) -> int | float:
        """The little-endian number of type ``kind`` at ``position``."""
        layout = _FORMATS[kind]
        self.require(position, layout.size)
        value: int | float = layout.unpack_from(self.data, position)[0]
        return value

    def follow(self, position: int) -> int:
        """Where the unsigned 32-bit offset at ``position`` leads."""
        return position + int(self.scalar("uint32", position))

    def root(self) -> Table:
        """The table the file starts with."""
        return Table(self, self.follow(0))


class Table:
    """One table of the file; a field is named by its slot: its index in the schema's declaration, from 0."""

    def __init__(self, source: Source, position: int) -> None:
        self._source = source
        self._position = position
        self._vtable = position - int(source.scalar("int32", position))
        self._vtable_size = int(source.scalar("uint16", self._vtable))
        self._size = int(source.scalar("uint16", self._vtable + 2))
        if self._vtable_size < 4 or self._vtable_size % 2 or self._size < 4:
            raise ModelError(f"damaged: no table starts at offset {position}")
        source.require(self._vtable, self._vtable_size)
        source.require(position, self._size)
        source.charge(_TABLE_COST)

    @property
    def position(self) -> int:
        """Offset of the table in the file; two references to one table have the same."""
        return self._position

    def _field(self, slot: int, size: int) -> int | None:
        entry = 4 + 2 * slot
        if entry + 2 > self._vtable_size:
            return None
        offset = int(self._source.scalar("uint16", self._vtable + entry))
        if offset == 0:
            return None
        if offset < 4 or offset + size > self._size:
            raise ModelError(f"damaged: field {slot} lies outside its table at offset {self._position}")
        return self._position + offset

    def _number(self, slot: int, kind: str, default: int | float) -> int | float:
        position = self._field(slot, _FORMATS[kind].size)
        return default if position is None else self._source.scalar(kind, position)

    def integer(self, slot: int, kind: str = "int32", default: int = 0) -> int:
        """Integer or enumeration field."""
        return int(self._number(slot, kind, default))

    def real(self, slot: int, default: float = 0.0) -> float:
        """float32 field."""
        return float(self._number(slot, "float32", default))

    def flag(self, slot: int) -> bool:
        """Boolean field, false by default."""
        return bool(self._number(slot, "uint8", 0))

    def table(self, slot: int) -> Table | None:
        """Table (or the table of a union) the field refers to, ``None`` where it is absent."""
        position = self._field(slot, 4)
        return None if position is None else Table(self._source, self._source.follow(position))

    def _vector(self, slot: int, item_size: int) -> tuple[int, int] | None:
        position = self._field(slot, 4)
        if position is None:
            return None
        start = self._source.follow(position)
        count = int(self._source.scalar("uint32", start))
        self._source.require(start + 4, count * item_size)
        self._source.charge(4 + count * item_size)
        return start + 4, count

    def tables(self, slot: int) -> list[Table]:
        """Vector of tables; empty where the field is absent."""
        found = self._vector(slot, 4)
        if found is None:
            return []
        start, count = found
        return [Table(self._source, self._source.follow(start + 4 * i)) for i in range(count)]

    def array(self, slot: int, dtype: str) -> NDArray[np.generic] | None:
        """Vector of numbers as a read-only view of the file, ``None`` where it is absent.

        Parameters
        ----------
        slot:
            The field.
        dtype:
            numpy type of the elements, little-endian.
        """
        kind = np.dtype(dtype).newbyteorder("<")
        found = self._vector(slot, kind.itemsize)
        if found is None:
            return None
        start, count = found
        return np.frombuffer(self._source.data, dtype=kind, count=count, offset=start)

    def integers(self, slot: int, dtype: str = "int32") -> tuple[int, ...]:
        """Vector of integers; empty where the field is absent."""
        values = self.array(slot, dtype)
        if values is None:
            return ()
        self._source.charge(_INTEGER_COST * values.size)
        return tuple(values.tolist())

    def text(self, slot: int) -> str:
        """String field, empty where it is absent; bytes that are not UTF-8 are replaced."""
        found = self._vector(slot, 1)
        if found is None:
            return ""
        start, count = found
        return self._source.data[start : start + count].decode("utf-8", errors="replace")
