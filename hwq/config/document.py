"""YAML text as plain values whose lines are known.

Of YAML only what a configuration needs: mappings, lists, text, numbers, true, false and null (the core schema of
YAML 1.2, in which ``no`` is text and ``010`` is ten). Anchors, aliases and tags are refused, so that a small file
cannot become a large one and nothing in a file is ever executed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from hwq.config.faults import Fault, config_error
from hwq.errors import ConfigError

MAX_BYTES = 1 << 16
"""Largest configuration file that is read."""

_MAX_DEPTH = 16
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_MAX_DIGITS = 40

Key = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A file's top mapping, the line of every key by its path, and what is wrong with the file so far.

    ``lost`` are the keys whose values could not be read, which have their fault already.
    """

    file: Path
    values: dict[str, object]
    lines: dict[Key, int]
    faults: list[Fault] = field(default_factory=list)
    lost: set[Key] = field(default_factory=set)

    def line(self, key: Key) -> int:
        """Line of a key, or of the nearest key above it that the file holds."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def fault(self, key: Key, text: str) -> None:
        """Record a fault at a key."""
        self.faults.append(Fault(self.line(key), ".".join(key), text))

    def unreadable(self, key: Key, text: str) -> None:
        """Record a fault that leaves the key without a value."""
        self.fault(key, text)
        self.lost.add(key)


def read_text(path: Path) -> str:
    """The text of a configuration file; ConfigError where it cannot be read, is large, or is not UTF-8."""
    try:
        if not path.is_file():
            raise ConfigError(f"{path}: {'not a file' if path.exists() else 'no such file'}")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes, which no configuration is")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text (byte 0x{data[error.start]:02x})") from None


def read_document(path: Path) -> Document:
    """Read a YAML file whose top is a mapping.

    Raises
    ------
    ConfigError
        Not readable, not YAML, empty, or not a mapping. Faults that leave the rest readable are in ``faults``.
    """
    return parse_document(read_text(path), path)


def parse_document(text: str, path: Path) -> Document:
    """As `read_document` of a file at ``path`` that holds ``text``."""
    document = Document(path, {}, {})
    try:
        return _Reader(text, document).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        hint = "; indent with blanks, not tabs" if "'\\t'" in str(error.problem) else ""
        text = f"not YAML: {error.problem or error.context}{hint}"
        raise config_error(path, [Fault(mark.line + 1 if mark else 1, "", text)]) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # The latter two from escapes and directives with numbers beyond reason.
        raise config_error(path, [Fault(1, "", f"not YAML: {str(error).splitlines()[0]}")]) from None


class _Reader:
    """Builds values from the parser's events, so that nothing but text is ever constructed."""

    def __init__(self, text: str, document: Document) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._document = document

    def read(self) -> Document:
        next(self._events)
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise config_error(self._document.file, [Fault(1, "", "is empty")])
        value = self._value(next(self._events), ())
        next(self._events)
        more = next(self._events)
        if not isinstance(more, yaml.StreamEndEvent):
            self._document.faults.append(Fault(_line(more), "", "holds a second document; one is read"))
        if not isinstance(value, dict):
            what = "is empty" if value is None else "must be a mapping of keys to values"
            raise config_error(self._document.file, [*self._document.faults, Fault(1, "", what)])
        self._document.values.update(value)
        return self._document

    def _value(self, event: yaml.Event, key: Key) -> object:
        self._document.lines.setdefault(key, _line(event))
        if isinstance(event, yaml.AliasEvent):
            self._document.unreadable(key, "aliases (*name) are not supported; repeat the value")
            return None
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent), "what else begins a value"
        if event.anchor is not None:
            self._document.fault(key, "anchors (&name) are not supported")
        if event.tag is not None:
            self._document.unreadable(key, f"tags ({_shown(event.tag)}) are not supported")
        if len(key) > _MAX_DEPTH:
            raise config_error(self._document.file, [Fault(_line(event), "", "is nested too deeply")])
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(key)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(key)
        assert isinstance(event, yaml.ScalarEvent)
        return self._scalar(event, key)

    def _mapping(self, key: Key) -> dict[str, object]:
        values: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = _line(event)
            if not isinstance(event, yaml.ScalarEvent):
                # Read on past the key, so that what follows is reported in its own place.
                self._value(event, (*key, "?"))
                self._document.faults.append(Fault(line, ".".join(key), "a key must be plain text"))
                self._value(next(self._events), (*key, "?"))
                continue
            name = event.value if len(event.value) <= 80 else event.value[:77] + "..."
            inner = (*key, name)
            repeated = name in values
            if repeated:
                text = f"is given twice, first in line {self._document.lines[inner]}"
                self._document.faults.append(Fault(line, ".".join(inner), text))
            self._document.lines.setdefault(inner, line)
            if event.anchor is not None or event.tag is not None:
                self._document.fault(inner, "anchors and tags are not supported")
            value = self._value(next(self._events), inner)
            if not repeated:
                values[name] = value
        return values

    def _sequence(self, key: Key) -> list[object]:
        values: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            values.append(self._value(event, (*key, str(len(values)))))
        return values

    def _scalar(self, event: yaml.ScalarEvent, key: Key) -> object:
        text: str = event.value
        if event.style:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.match(text) or _BASED.match(text):
            if len(text) > _MAX_DIGITS:
                self._document.unreadable(key, "is a number of too many digits")
                return None
            return int(text, 0) if _BASED.match(text) else int(text)
        return float(text) if _REAL.match(text) else text


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _shown(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
