"""Projects that lie in no file of their own: the same checks on values alone, and the keys there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.config.document import Document, read_document
from hwq.config.project import check_project, load_project, project_keys
from hwq.errors import ConfigError


def test_values_give_the_project_that_their_file_gives(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("model: m.tflite\narray: {rows: 4}\npooling: none\n", encoding="utf-8")
    assert check_project(Document(path, read_document(path).values, {})) == load_project(path)


def test_every_fault_of_values_is_told(tmp_path: Path) -> None:
    values: dict[str, object] = {"model": "m", "array": {"rows": 0}, "bufers": {}}
    with pytest.raises(ConfigError) as raised:
        check_project(Document(tmp_path / "p.yaml", values, {}))
    assert sorted(path for path, _ in raised.value.faults) == ["array.rows", "bufers"]


def test_every_key_is_one_that_a_project_takes(tmp_path: Path) -> None:
    keys = project_keys()
    assert {"model", "data", "array.rows", "arithmetic.accumulator_bits", "pooling", "depthwise.line"} <= set(keys)
    assert "array" not in keys
    for key in keys:
        value: object = []
        for part in reversed(key.split(".")):
            value = {part: value}
        assert isinstance(value, dict)
        values: dict[str, object] = {"model": "m", **value}
        with pytest.raises(ConfigError) as raised:
            check_project(Document(tmp_path / "p.yaml", values, {}))
        # A value no key takes; an unknown key would be told as one.
        assert all("unknown key" not in text for _, text in raised.value.faults)
        assert key in [path for path, _ in raised.value.faults]
