"""Project files: one network and one accelerator in YAML, checked as a whole before anything is done with them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hwq.arch.accelerator import Accelerator
from hwq.arch.checks import Choice, Named, Nested, limits
from hwq.config.document import Document, Key, read_document
from hwq.config.faults import Fault, config_error, nearest
from hwq.config.models import ENGINE_CHOICES, ENGINES, HARDWARE, SECTIONS, ProjectModel
from hwq.errors import ConfigError
from hwq.quantize.specification import Quantization

_VARIABLE = re.compile(r"\$\{([^}]*)(\}?)")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True)
class Project:
    """A checked project: what to run on what.

    ``name`` is the file's name without suffix, ``model`` and ``data_path`` are paths with variables and relative parts
    resolved, ``data_line`` is where ``path`` names the latter. Whether the model exists is for its reader to say.
    ``accelerator`` has the engines that the project asks for; those called ``auto`` are built where a network needs
    them (`hwq.schedule.planning.with_engines`). ``quantization`` is for `hwq.quantize` alone.
    """

    name: str
    path: Path
    model: Path
    data_path: Path | None
    data_line: int
    accelerator: Accelerator
    auto: tuple[str, ...]
    quantization: Quantization

    @property
    def data(self) -> Path | None:
        """The file of samples; ConfigError where the project names one that does not exist.

        Checked when it is wanted and not before: most verbs need no samples, or are given others.
        """
        if self.data_path is not None and not self.data_path.is_file():
            what = "not a file" if self.data_path.exists() else "no such file"
            raise config_error(self.path, [Fault(self.data_line, "data", f"{what}: {self.data_path}")])
        return self.data_path


def project_keys() -> tuple[str, ...]:
    """Every key by its dotted path, sections of engines among them; not those of quantization, which change no run."""
    tops = [name for name in ProjectModel.model_fields if name not in SECTIONS or name in ENGINES]
    return (*tops, *(key for section in HARDWARE for key in _keys(section, SECTIONS[section])))


def _keys(section: str, kind: type) -> Iterator[str]:
    for key, (limit, _) in limits(kind).items():
        if isinstance(limit, Nested):
            yield from _keys(f"{section}.{key}", limit.kind)
        else:
            yield f"{section}.{key}"


def load_project(path: str | Path) -> Project:
    """Read and check a project file.

    Parameters
    ----------
    path:
        A YAML file with the keys that ``hwq schema`` describes. The paths in it are relative to the file. ``${NAME}``
        stands for an environment variable; a path that begins with one is relative to the current directory, where the
        variable was set, unless it is absolute.

    Raises
    ------
    ConfigError
        Every fault of the file at once, each with its line, its path and the nearest valid name.
    """
    return check_project(read_document(Path(path)))


def check_project(document: Document) -> Project:
    """Check the values of a project; ``document.file`` is what messages name, and what paths are relative to.

    Raises
    ------
    ConfigError
        As `load_project`; ``document`` holds the faults.
    """
    clean = _check_values(document)
    chosen = {name: document.values.get(name, ENGINE_CHOICES[0]) for name in ENGINES}
    sections = {name: _section(document, name) for name in SECTIONS if name in clean}
    accelerator, quantization = Accelerator(), sections.pop("quantization", Quantization())
    if sections.keys() == set(HARDWARE):
        try:
            accelerator = Accelerator(**sections)
        except ConfigError as error:
            for where, text in error.faults:
                document.fault(tuple(where.split(".")), text)
    auto = tuple(name for name, choice in chosen.items() if choice == "auto")
    model = _path(document, "model")
    data = _path(document, "data")
    path = document.file
    if document.faults or model is None:
        raise config_error(path, document.faults)
    return Project(path.stem, path, model, data, document.line(("data",)), accelerator, auto, quantization)


def _check_values(document: Document) -> set[str]:
    """Record the faults of every key; returns the sections that have none."""
    faulty = {fault.path.split(".")[0] for fault in document.faults}
    try:
        # An engine that is a choice of its own is no mapping to be checked.
        values = {
            key: value
            for key, value in document.values.items()
            if not (key in ENGINES and isinstance(value, str) and value in ENGINE_CHOICES)
        }
        ProjectModel.model_validate(values)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_context=False):
            key: Key = tuple(str(part) for part in details["loc"])
            faulty.add(key[0])
            if details["type"] in ("extra_forbidden", "missing") or key not in document.lost:
                document.fault(key, _explain(key, details))
    return set(SECTIONS) - faulty


def _explain(key: Key, details: ErrorDetails) -> str:
    """A fault found by pydantic in hwq's own words."""
    kind, value = details["type"], details["input"]
    section = key[0] if len(key) > 1 else None
    if kind == "extra_forbidden":
        valid = list(limits(_kind(key[:-1]))) if section else list(ProjectModel.model_fields)
        return f"unknown key; {nearest(key[-1], valid)}"
    if kind == "missing":
        return "is required: the network's file"
    if section is None:
        if key[0] in ENGINES:
            return f"must be {', '.join(ENGINE_CHOICES)}, or a mapping of keys to values, not {_shown(value)}"
        if key[0] in SECTIONS:
            return f"must be a mapping of keys to values, not {_shown(value)}"
        return "must be the path of a file" if value == "" else f"must be the path of a file, not {_shown(value)}"
    kind_of = _kind(key[:-1])
    # What is no parameter of its section is one of the user's names.
    limit, _ = limits(kind_of).get(key[-1], (Nested(kind_of), False))
    if isinstance(limit, Nested | Named):
        return f"must be a mapping of keys to values, not {_shown(value)}"
    member = _member(limit, value)
    try:
        kind_of(**{key[-1]: member})
    except ConfigError as error:
        text = next(text for where, text in error.faults if where.rpartition(".")[2] == key[-1])
        if value is None or isinstance(value, bool):
            text = text.removesuffix(repr(value)) + ("null" if value is None else repr(value).lower())
        if isinstance(limit, Choice) and isinstance(value, str) and len(limit.values) > 1:
            names = [str(v.value) for v in limit.values if isinstance(v, Enum)]
            advice = nearest(value, names) if names else ""
            text += f"; {advice}" if advice.startswith("did") else ""
        return text
    return str(details["msg"])


def _kind(path: Key) -> type:
    """The dataclass of the section at ``path``."""
    kind = SECTIONS[path[0]]
    parts = iter(path[1:])
    for part in parts:
        limit, _ = limits(kind)[part]
        assert isinstance(limit, Nested | Named)
        kind = limit.kind
        if isinstance(limit, Named):
            next(parts, None)
    return kind


def _member(limit: object, value: object) -> object:
    """The member of an enumeration that a text names, or the value itself."""
    if isinstance(limit, Choice):
        for candidate in limit.values:
            if isinstance(candidate, Enum) and candidate.value == value:
                return candidate
    return value


def _section(document: Document, name: str) -> Any:
    given = document.values.get(name, ENGINE_CHOICES[0] if name in ENGINES else {})
    if isinstance(given, str):
        return None
    assert isinstance(given, dict)
    try:
        return _made(SECTIONS[name], given)
    except ConfigError as error:
        for where, text in error.faults:
            document.fault(tuple(where.split(".")), text)
        return SECTIONS[name]()


def _made(kind: type, given: Mapping[str, Any]) -> Any:
    """A section's dataclass of plain values."""
    values: dict[str, Any] = {}
    for key, value in given.items():
        limit, _ = limits(kind)[key]
        if isinstance(limit, Named):
            values[key] = {name: _made(limit.kind, inner) for name, inner in value.items()}
        else:
            values[key] = _made(limit.kind, value) if isinstance(limit, Nested) else _member(limit, value)
    return kind(**values)


def _path(document: Document, key: str) -> Path | None:
    """A path with its variables replaced; records faults."""
    text = document.values.get(key)
    if not isinstance(text, str) or any(fault.path == key for fault in document.faults):
        return None
    known = len(document.faults)

    def replace(found: re.Match[str]) -> str:
        name = found[1]
        if not found[2] or not _VARIABLE_NAME.match(name):
            document.fault((key,), f"{found[0]!r} is not a variable: write ${{NAME}}")
            return ""
        value = os.environ.get(name, "")
        if not value:
            document.fault((key,), f"the environment variable {name} is {'empty' if name in os.environ else 'not set'}")
        return value

    expanded = _VARIABLE.sub(replace, text)
    if len(document.faults) > known:
        return None
    if not expanded.isprintable():
        document.fault((key,), f"holds characters that no path should: {expanded!r}")
        return None
    return Path(expanded) if text.startswith("${") else document.file.parent / expanded


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
