"""Every example of docs/spec/numerics.md gives what the page says, and every section has one."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "spec" / "numerics.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = re.findall(r"^## (N\.\d+) ", TEXT, flags=re.MULTILINE)


def _examples() -> dict[str, doctest.DocTest]:
    """The examples of each section; fences are taken out, since doctest would read them as output."""
    parser = doctest.DocTestParser()
    parts = re.split(r"^## (?=N\.\d)", TEXT, flags=re.MULTILINE)[1:]
    found = {}
    for part in parts:
        code = "\n\n".join(re.findall(r"^```python\n(.*?)^```", part, flags=re.MULTILINE | re.DOTALL))
        name = part.partition(" ")[0]
        found[name] = parser.get_doctest(code, {}, name, str(PAGE), TEXT[: TEXT.index(part)].count("\n"))
    return found


EXAMPLES = _examples()


def test_sections_are_numbered_in_order() -> None:
    assert [f"N.{n}" for n in range(1, 11)] == SECTIONS


def test_the_page_runs_from_top_to_bottom(capsys: pytest.CaptureFixture[str]) -> None:
    """One namespace for the page: later sections use what earlier ones import."""
    names: dict[str, object] = {}
    for section in SECTIONS:
        example = EXAMPLES[section]
        assert example.examples, f"{section} has no example"
        example.globs = names
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        result = runner.run(example, clear_globs=False)
        assert result.failed == 0, capsys.readouterr().out
