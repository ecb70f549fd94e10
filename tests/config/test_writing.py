"""What is written is read back as the same values."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwq.config.document import read_document
from hwq.config.writing import yaml_text

_AWKWARD = [
    "no",
    "010",
    "1e5",
    "0o7",
    "null",
    "TRUE",
    "~",
    "",
    "- a",
    "a: b",
    "#",
    "*x",
    "&x",
    "!x",
    "{",
    "é",
    "'",
    '"',
]


def test_awkward_texts(tmp_path: Path) -> None:
    values: dict[str, object] = {"texts": _AWKWARD, **{f"k{n}": text for n, text in enumerate(_AWKWARD)}}
    path = tmp_path / "w.yaml"
    path.write_text(yaml_text(values), encoding="utf-8")
    assert read_document(path).values == values


@pytest.mark.parametrize("value", [0, -1, 8, 1.5, -2.5e-9, 1e30, True, False, None], ids=repr)
def test_plain_values(tmp_path: Path, value: object) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(yaml_text({"a": {"b": value}, "c": [value, {"d": value}]}), encoding="utf-8")
    read = read_document(path).values
    assert repr(read) == repr({"a": {"b": value}, "c": [value, {"d": value}]})


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=20))
def test_any_text(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("w") / "w.yaml"
    path.write_text(yaml_text({"a": text}), encoding="utf-8")
    assert read_document(path).values == {"a": text}
