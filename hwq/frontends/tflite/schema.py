"""The part of the TFLite schema that hwq reads, as plain objects.

Slots are the fields' positions in the tables of TensorFlow's schema, lite/schema/schema.fbs, version 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOperator import BuiltinOperator
from tflite.BuiltinOptions import BuiltinOptions
from tflite.TensorType import TensorType

from hwq.errors import ModelError
from hwq.frontends.tflite.flatbuffer import Source, Table

IDENTIFIER = b"TFL3"
_SCHEMA_VERSION = 3
#: Most dimensions of a tensor, the batch included.
_MAX_RANK = 8


def _names(enumeration: type) -> dict[int, str]:
    return {code: name for name, code in vars(enumeration).items() if isinstance(code, int)}


OPERATOR_NAMES = _names(BuiltinOperator)
OPTIONS_NAMES = _names(BuiltinOptions)
TYPE_NAMES = {code: name.lower() for code, name in _names(TensorType).items()}
#: numpy type of the constants that operators read.
_CONSTANT_TYPES = {
    "int8": "int8",
    "uint8": "uint8",
    "int32": "int32",
    "int64": "int64",
    "float16": "float16",
    "float32": "float32",
}


def shortened(name: str) -> str:
    """A name cut to what a message can hold; converters join the names of everything they fuse."""
    return name if len(name) <= 80 else name[:77] + "..."


@dataclass(frozen=True, eq=False)
class RawQuantization:
    """Quantization as the file holds it, unchecked; ``scale`` float32 and ``zero_point`` int64, of any length."""

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int


@dataclass(frozen=True, eq=False)
class RawTensor:
    """A tensor as the file holds it; ``shape`` includes the batch, ``type`` is the schema's name in lower case."""

    index: int
    name: str
    shape: tuple[int, ...]
    type: str
    buffer: int
    quantization: RawQuantization | None
    is_variable: bool
    is_sparse: bool

    def __str__(self) -> str:
        return f"tensor {self.index} {shortened(self.name)!r}"


@dataclass(frozen=True, eq=False)
class RawOperator:
    """An operator as the file holds it; ``inputs`` may hold -1, an optional input left out."""

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options_type: str
    options: Table | None

    def integer(self, slot: int, kind: str = "int32", default: int = 0) -> int:
        """Field of the operator's options; ``default`` where it, or the whole table, is absent."""
        return default if self.options is None else self.options.integer(slot, kind, default)

    def real(self, slot: int, default: float = 0.0) -> float:
        """float32 field of the operator's options."""
        return default if self.options is None else self.options.real(slot, default)

    def flag(self, slot: int) -> bool:
        """Boolean field of the operator's options."""
        return self.options is not None and self.options.flag(slot)


class RawModel:
    """One subgraph with its tensors, operators and constants.

    Parameters
    ----------
    data:
        The whole file.

    Raises
    ------
    ModelError
        The file is not TFLite, is damaged, or holds several subgraphs.
    """

    def __init__(self, data: bytes) -> None:
        if data[4:8] != IDENTIFIER:
            raise ModelError("not a TFLite file: bytes 4 to 8 are not 'TFL3'")
        source = Source(data)
        model = source.root()
        version = model.integer(0, "uint32")
        if version != _SCHEMA_VERSION:
            raise ModelError(f"TFLite schema version {version} is not supported; supported is {_SCHEMA_VERSION}")
        self._source = source
        subgraphs = model.tables(2)
        if len(subgraphs) != 1:
            raise ModelError(f"the model holds {len(subgraphs)} subgraphs; supported is one")
        graph = subgraphs[0]
        self._buffers = model.tables(4)
        self._constants: dict[tuple[int, str], NDArray[np.generic]] = {}
        self._zeros: dict[int, NDArray[np.int32]] = {}
        self._computed: dict[int, NDArray[np.generic]] = {}
        self.tensors = [_tensor(index, table) for index, table in enumerate(graph.tables(0))]
        codes = [_operator_name(table) for table in model.tables(1)]
        self.operators = [_operator(index, table, codes) for index, table in enumerate(graph.tables(3))]
        self.inputs = graph.integers(1)
        self.outputs = graph.integers(2)

    def tensor(self, index: int) -> RawTensor:
        """Tensor ``index``; ModelError where there is none."""
        if not 0 <= index < len(self.tensors):
            raise ModelError(f"tensor {index} does not exist: the model holds {len(self.tensors)} tensors")
        return self.tensors[index]

    def is_constant(self, tensor: RawTensor) -> bool:
        """Whether the tensor's values are in the file or were set by `set_constant`."""
        return tensor.index in self._computed or self._data(tensor, "uint8") is not None

    def constant(self, tensor: RawTensor) -> NDArray[np.generic]:
        """Values of a constant tensor, in its shape and type; read-only, and shared where the file shares them.

        Every use counts towards the budget of `Source`, since whoever asks will go over the values.
        """
        if tensor.type not in _CONSTANT_TYPES:
            raise ModelError(f"{tensor} is {tensor.type}; supported constants are {', '.join(_CONSTANT_TYPES)}")
        if tensor.index in self._computed:
            return self._computed[tensor.index]
        if tensor.is_sparse:
            raise ModelError(f"{tensor} is stored sparse; supported are dense constants")
        values = self._data(tensor, _CONSTANT_TYPES[tensor.type])
        if values is None:
            raise ModelError(f"{tensor} is computed by the model; supported here is a constant")
        self._source.charge(values.nbytes)
        elements = 1
        for size in tensor.shape:
            elements *= size
        if elements != values.size or min(tensor.shape, default=1) < 0:
            raise ModelError(f"{tensor} has shape {list(tensor.shape)}, but its buffer holds {values.size} elements")
        return values.reshape(tensor.shape)

    def set_constant(self, tensor: RawTensor, values: NDArray[np.generic]) -> None:
        """Take ``values`` for a tensor that the model computes, but not from its input's data."""
        if values.dtype.kind == "i" and tensor.type not in ("int32", "int64"):
            raise ModelError(f"{tensor} is {tensor.type}; sizes are int32 or int64")
        if values.dtype.kind == "f" and tensor.type != "float32":
            raise ModelError(f"{tensor} is {tensor.type}; the real numbers of codes are float32")
        if tensor.shape != values.shape:
            raise ModelError(f"{tensor} has shape {list(tensor.shape)}, but {list(values.shape)} follows")
        self._computed[tensor.index] = values

    def zeros(self, count: int) -> NDArray[np.int32]:
        """``count`` biases of 0, one array for every operator that needs as many."""
        if count not in self._zeros:
            self._zeros[count] = np.zeros(count, np.int32)
            self._zeros[count].flags.writeable = False
        return self._zeros[count]

    def _data(self, tensor: RawTensor, dtype: str) -> NDArray[np.generic] | None:
        """Flat contents of the tensor's buffer, ``None`` where it is empty; cached, since tensors share buffers."""
        if tensor.buffer == 0:
            return None
        if tensor.buffer >= len(self._buffers):
            raise ModelError(f"{tensor} refers to buffer {tensor.buffer} of {len(self._buffers)}")
        key = (tensor.buffer, dtype)
        if key not in self._constants:
            table = self._buffers[tensor.buffer]
            if table.integer(1, "uint64") > 1:
                raise ModelError(f"{tensor} is stored after the model's tables; supported are files below 2 GB")
            data = table.array(0, "uint8")
            if data is None or data.size == 0:
                return None
            itemsize = np.dtype(dtype).itemsize
            if data.size % itemsize:
                raise ModelError(f"{tensor} is {tensor.type}, but its buffer holds {data.size} bytes")
            values = data.view(np.dtype(dtype).newbyteorder("<"))
            # int8 stays a view of the file; wider types are copied once, for alignment and native byte order.
            self._constants[key] = values if itemsize == 1 else values.astype(dtype)
            self._constants[key].flags.writeable = False
        return self._constants[key]


def _operator_name(table: Table) -> str:
    # Codes above 127 do not fit the older 8-bit field, which then holds 127.
    code = max(table.integer(0, "int8"), table.integer(3, "int32"))
    name = OPERATOR_NAMES.get(code, f"builtin operator {code}")
    return f"CUSTOM {table.text(1)!r}" if name == "CUSTOM" else name


def _operator(index: int, table: Table, codes: list[str]) -> RawOperator:
    code = table.integer(0, "uint32")
    if code >= len(codes):
        raise ModelError(f"operator {index} refers to operator code {code} of {len(codes)}")
    options_type = OPTIONS_NAMES.get(table.integer(3, "uint8"), "unknown options")
    # A table of no type is no options: that is how TFLite reads it.
    options = None if options_type == "NONE" else table.table(4)
    return RawOperator(index, codes[code], table.integers(1), table.integers(2), options_type, options)


def _tensor(index: int, table: Table) -> RawTensor:
    code, name, shape = table.integer(1, "int8"), table.text(3), table.integers(0)
    if len(shape) > _MAX_RANK:
        raise ModelError(f"tensor {index} {shortened(name)!r} has {len(shape)} dimensions; supported are {_MAX_RANK}")
    return RawTensor(
        index=index,
        name=name,
        shape=shape,
        type=TYPE_NAMES.get(code, f"type {code}"),
        buffer=table.integer(2, "uint32"),
        quantization=_quantization(table.table(4)),
        is_variable=table.flag(5),
        is_sparse=table.table(6) is not None,
    )


def _quantization(table: Table | None) -> RawQuantization | None:
    if table is None:
        return None
    scale, zero_point = table.array(2, "float32"), table.array(3, "int64")
    if scale is None or scale.size == 0:
        return None
    return RawQuantization(
        scale=scale.astype(np.float32),
        zero_point=np.zeros(0, np.int64) if zero_point is None else zero_point.astype(np.int64),
        axis=table.integer(6),
    )
