"""Parameter checks that collect every fault before they raise, so that a user mends a file in one go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, get_args, get_type_hints

from hwq.errors import ConfigError


@dataclass(frozen=True)
class Range:
    """Annotation of an integer parameter: its lowest and highest value."""

    low: int
    high: int


@dataclass(frozen=True)
class RealRange:
    """Annotation of a parameter that is a real number: its lowest and highest value."""

    low: float
    high: float


@dataclass(frozen=True)
class Choice:
    """Annotation of a parameter: the values it may have."""

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        object.__setattr__(self, "values", values)


@dataclass(frozen=True)
class Nested:
    """A parameter that is a section of its own: the dataclass of its parameters."""

    kind: type


@dataclass(frozen=True)
class Named:
    """Annotation of a parameter that maps names of the user's to sections: the dataclass of their parameters."""

    kind: type


Limit = Range | RealRange | Choice | Nested | Named


@cache
def limits(kind: type) -> Mapping[str, tuple[Limit, bool]]:
    """What the fields of a parameter dataclass may hold, read off their annotations.

    Returns
    -------
    By field name, (limit, whether ``None`` is allowed too). Truth values, enumerations and nested sections need no
    annotation.
    """
    found: dict[str, tuple[Limit, bool]] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        optional = type(None) in get_args(hint)
        parts = [part for part in (hint, *get_args(hint)) if part is not type(None)]
        for limit in (meta for part in parts for meta in getattr(part, "__metadata__", ())):
            found[name] = (limit, optional)
        if name not in found:
            if bool in parts:
                found[name] = (Choice(True, False), optional)
            elif isinstance(hint, type) and issubclass(hint, Enum):
                found[name] = (Choice(*hint), optional)
            elif isinstance(hint, type) and is_dataclass(hint):
                found[name] = (Nested(hint), optional)
    return found


class Checks:
    """Collects faults of one section of parameters; leaving the ``with`` block raises them all as a ConfigError.

    Parameters
    ----------
    section:
        Name that goes before each parameter's, as in ``array.rows``.
    """

    def __init__(self, section: str) -> None:
        self._section = section
        self._faults: list[tuple[str, str]] = []

    def __enter__(self) -> Checks:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None and self._faults:
            raise ConfigError("\n".join(f"{path}: {fault}" for path, fault in self._faults), self._faults)

    def fault(self, name: str, text: str) -> None:
        """Record that parameter ``name`` is wrong."""
        self._faults.append((f"{self._section}.{name}" if self._section else name, text))

    def integer(self, name: str, value: object, low: int, high: int) -> bool:
        """Check an integer within [low, high]; returns whether it is one."""
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            allowed = f"an integer from {low} to {high}" if low < high else f"{low}"
            self.fault(name, f"must be {allowed}, not {value!r}")
            return False
        return True

    def real(self, name: str, value: object, low: float, high: float) -> bool:
        """Check a number within [low, high]; returns whether it is one."""
        # Not a number is inside no range.
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.fault(name, f"must be a number from {low:g} to {high:g}, not {value!r}")
            return False
        return True

    def boolean(self, name: str, value: object) -> bool:
        """Check a truth value; returns whether it is one."""
        if not isinstance(value, bool):
            self.fault(name, f"must be true or false, not {value!r}")
            return False
        return True

    def one_of(self, name: str, value: object, allowed: Iterable[object]) -> bool:
        """Check membership in a short list; returns whether it is in it."""
        allowed = list(allowed)
        # By identity: a string equals a member of a string enumeration, and would later not be that member.
        if not any(value is a for a in allowed):
            names = ", ".join(str(_plain(a)) for a in allowed)
            many = "one of " if len(allowed) > 1 else ""
            self.fault(name, f"must be {many}{names}, not {'the text ' * (value in allowed)}{_plain(value)!r}")
            return False
        return True

    def declared(self, parameters: Any) -> set[str]:
        """Check every field of a parameter dataclass against its annotation; returns the names of those in order."""
        good = set()
        allowed = limits(parameters.__class__)
        for name in (field.name for field in fields(parameters)):
            limit, optional = allowed[name]
            value = getattr(parameters, name)
            if (value is None and optional) or self._within(name, value, limit):
                good.add(name)
        return good

    def _within(self, name: str, value: object, limit: Limit) -> bool:
        if isinstance(limit, Nested):
            # Its own parameters were checked when it was made.
            return isinstance(value, limit.kind)
        if isinstance(limit, Named):
            return isinstance(value, Mapping) and all(isinstance(entry, limit.kind) for entry in value.values())
        if isinstance(limit, Range):
            return self.integer(name, value, limit.low, limit.high)
        if isinstance(limit, RealRange):
            return self.real(name, value, limit.low, limit.high)
        if limit.values == (True, False):
            return self.boolean(name, value)
        return self.one_of(name, value, limit.values)


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value
