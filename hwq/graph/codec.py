"""Layers and tensors as JSON values and back, driven by the fields that their dataclasses declare.

Arrays do not go into the JSON: the writer collects them, and the JSON holds their number.
"""

from __future__ import annotations

import dataclasses
import math
import typing
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ModelError
from hwq.numeric.formats import IntFormat

Array = NDArray[Any]

#: What an array may hold: these little-endian types and no others.
ARRAY_TYPES = ("int8", "int16", "int32", "float32")


class Encoder:
    """Turns fields into JSON values, and collects the arrays it meets in ``arrays``."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []

    def encode(self, value: Any) -> Any:
        """JSON value of a field: a number, text, ``None``, tuple, Enum, array, or a dataclass of those."""
        if isinstance(value, np.ndarray):
            self.arrays.append(value)
            return len(self.arrays) - 1
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, tuple):
            return [self.encode(item) for item in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: self.encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
        if isinstance(value, np.generic):
            return value.item()
        return value


class Decoder:
    """Turns JSON values back into fields of a given type.

    Parameters
    ----------
    arrays:
        The file's arrays; each is used once, in order.
    """

    def __init__(self, arrays: list[Array]) -> None:
        self._arrays = arrays
        self._used = 0

    def finish(self) -> None:
        """ModelError unless every array of the file was used."""
        if self._used != len(self._arrays):
            raise ModelError(f"{len(self._arrays) - self._used} arrays belong to nothing")

    def record(self, cls: type, value: Any, where: str) -> Any:
        """An instance of dataclass ``cls`` from a JSON object with exactly its fields."""
        hints = typing.get_type_hints(cls)
        names = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(value, dict) or sorted(value) != sorted(names):
            raise ModelError(f"{where} does not hold exactly {', '.join(names)}")
        if cls is IntFormat and not (type(value["width"]) is int and 1 <= value["width"] <= 64):
            raise ModelError(f"{where}.width is not an integer from 1 to 64")
        return cls(**{name: self.decode(hints[name], value[name], f"{where}.{name}") for name in names})

    def decode(self, hint: Any, value: Any, where: str) -> Any:
        """``value`` as the type ``hint``; ModelError naming ``where`` where it is not one."""
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin is np.ndarray:
            element = typing.get_args(arguments[1])[0]
            return self._array([np.dtype(kind).name for kind in typing.get_args(element) or (element,)], value, where)
        if origin is tuple:
            return self._tuple(arguments, value, where)
        if type(None) in arguments:
            return None if value is None else self.decode(arguments[0], value, where)
        if isinstance(hint, type) and issubclass(hint, Enum):
            try:
                return hint(value)
            except ValueError:
                raise ModelError(f"{where} is not one of {', '.join(str(item.value) for item in hint)}") from None
        if dataclasses.is_dataclass(hint):
            return self.record(typing.cast(type, hint), value, where)
        if hint is float and type(value) in (int, float) and math.isfinite(value):
            return float(value)
        if type(value) is not hint or (hint is int and not -(2**63) <= value < 2**63):
            raise ModelError(f"{where} is not of type {hint.__name__}")
        return value

    def _tuple(self, arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ModelError(f"{where} is not a list")
        if arguments[-1] is Ellipsis:
            arguments = arguments[:1] * len(value)
        if len(arguments) != len(value):
            raise ModelError(f"{where} does not hold {len(arguments)} values")
        pairs = enumerate(zip(arguments, value, strict=True))
        return tuple(self.decode(hint, item, f"{where}[{index}]") for index, (hint, item) in pairs)

    def _array(self, types: list[str], value: Any, where: str) -> Array:
        if type(value) is not int or value != self._used or value >= len(self._arrays):
            raise ModelError(f"{where} does not refer to the next array")
        self._used += 1
        if self._arrays[value].dtype.name not in types:
            raise ModelError(f"{where} is {self._arrays[value].dtype}, not {' or '.join(types)}")
        return self._arrays[value]
