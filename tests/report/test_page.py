"""A page is one file: what it holds cannot leave its place, and it asks for nothing from outside."""

from __future__ import annotations

import json
import re
import sys

import pytest

from hwq.errors import ToolError
from hwq.report.page import render

NASTY = {"a": "</script><script>alert(1)</script><!--", "b": "\u2028\u2029é", "c": [0.1, None, True]}


def embedded(page: str) -> object:
    """The data of a page."""
    (text,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', page)
    return json.loads(text)


def test_data_come_through_and_stay_inside() -> None:
    page = render("sweep", "a <b> & c", NASTY)
    assert embedded(page) == NASTY
    assert "<title>a &lt;b&gt; &amp; c</title>" in page
    assert page.count("</script>") == 3


@pytest.mark.parametrize("kind", ["sweep", "project"])
def test_nothing_is_fetched(kind: str) -> None:
    page = render(kind, "t", {})
    own = re.sub(r"<script>/\*\*.*?</script>", "", page, flags=re.DOTALL)
    assert len(own) < 80_000 < len(page)
    assert not re.search(r"https?://|<link(?! rel=\"icon\" href=\"data:,\")| src=|@import|url\(", own)


def test_the_same_data_give_the_same_bytes() -> None:
    assert render("project", "t", NASTY) == render("project", "t", NASTY)


def test_without_plotly_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(ToolError, match=r"needs the Python package plotly: pip install 'hwq\[report\]'"):
        render("sweep", "t", {})
