"""The guide to project files says what the loader does."""

from __future__ import annotations

import re
from dataclasses import fields
from enum import Enum
from pathlib import Path

import pytest

from hwq.arch.checks import Choice, Range, limits
from hwq.config.models import SECTIONS, project_schema
from hwq.config.project import load_project
from hwq.errors import ConfigError

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "projects.md").read_text()


def in_yaml(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value.value if isinstance(value, Enum) else value)


def allowed(limit: Range | Choice, optional: bool) -> str:
    if isinstance(limit, Range):
        text = f"{limit.low} to {limit.high}" if limit.low < limit.high else str(limit.low)
    else:
        text = ", ".join(in_yaml(value) for value in limit.values)
    return text + ", null" * optional


@pytest.mark.parametrize("section", SECTIONS)
def test_the_table_of_every_section(section: str) -> None:
    text = GUIDE.split(f"## {section}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    properties = project_schema()["$defs"][section.capitalize()]["properties"]
    assert rows == [
        (
            field.name,
            in_yaml(field.default),
            allowed(*limits(SECTIONS[section])[field.name]),
            properties[field.name]["description"],
        )
        for field in fields(SECTIONS[section])
    ]


def test_the_example_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", "/models")
    path = tmp_path / "kws.yaml"
    path.write_text(GUIDE.split("```yaml\n")[1].split("```")[0])
    assert load_project(path).model == Path("/models/kws_ref_model.tflite")


def test_the_example_of_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("kws.yaml").write_text(
        "model: a.tflite\n\narray:\n  rows: 999\n  colums: 8\n\narithmetic:\n  input_zero_point: foldd\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_project("kws.yaml")
    assert f"hwq: error: {caught.value}\n" in GUIDE
