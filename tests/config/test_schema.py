"""The published JSON Schema says what the loader does."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest

from hwq.arch.checks import Nested, Range, limits
from hwq.config.models import SECTIONS, project_schema
from hwq.config.project import load_project
from hwq.errors import ConfigError


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(project_schema())


def test_every_key_has_words_and_a_default() -> None:
    schema = project_schema()
    kinds = {(section,): kind for section, kind in SECTIONS.items()}
    for path, kind in kinds.copy().items():
        kinds |= {(*path, name): limit.kind for name, (limit, _) in limits(kind).items() if isinstance(limit, Nested)}
    assert ("arithmetic", "truncate") in kinds
    for path, kind in kinds.items():
        properties = schema["$defs"]["".join(map(str.capitalize, path))]["properties"]
        assert list(properties) == [field.name for field in fields(kind)]
        for field in fields(kind):
            key = properties[field.name]
            nested = (*path, field.name) in kinds or "additionalProperties" in key
            words = schema["$defs"][key["$ref"].rpartition("/")[2]] if "$ref" in key else key
            assert len(words["description"]) > 20
            assert nested or key["default"] == field.default
    assert schema["required"] == ["model"]
    assert all("description" in schema["properties"][key] for key in ("model", "data"))


INTEGERS = [
    (section, name, limit)
    for section, kind in SECTIONS.items()
    for name, (limit, _) in limits(kind).items()
    if isinstance(limit, Range)
]


@pytest.mark.parametrize(("section", "name", "limit"), INTEGERS, ids=[f"{s}.{n}" for s, n, _ in INTEGERS])
def test_schema_and_loader_agree_at_the_ends_of_every_range(
    tmp_path: Path, section: str, name: str, limit: Range
) -> None:
    validator = jsonschema.Draft202012Validator(project_schema())
    for value, good in ((limit.low, True), (limit.high, True), (limit.low - 1, False), (limit.high + 1, False)):
        assert validator.is_valid({"model": "a", section: {name: value}}) is good
        path = tmp_path / "p.yaml"
        path.write_text(f"model: a\n{section}: {{{name}: {value}}}\n")
        try:
            load_project(path)
            faults: tuple[tuple[str, str], ...] = ()
        except ConfigError as error:
            faults = error.faults
        # At the ends of a range other parameters may have to follow; the range itself must not be the fault.
        said = "must be an integer from" if limit.low < limit.high else f"must be {limit.low}, not"
        in_range = not any(where == f"{section}.{name}" and text.startswith(said) for where, text in faults)
        assert in_range is good, faults


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"model": ""},
        {"model": "a", "extra": 1},
        {"model": "a", "array": None},
        {"model": "a", "array": {"rows": "8"}},
        {"model": "a", "array": {"product_register": 1}},
        {"model": "a", "arithmetic": {"contract": "fp32he"}},
        {"model": "a", "arithmetic": {"input_zero_point": "none"}},
        {"model": "a", "quantization": {"weights": {"bits": 9}}},
        {"model": "a", "quantization": {"activations": {"percentile": 101}}},
        {"model": "a", "quantization": {"activations": {"momentum": True}}},
    ],
    ids=str,
)
def test_the_schema_refuses(values: dict[str, object]) -> None:
    assert not jsonschema.Draft202012Validator(project_schema()).is_valid(values)
