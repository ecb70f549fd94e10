"""One HTML file of a template and its data, with everything it needs inside: it opens without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

import jinja2

from hwq.errors import ToolError


def render(kind: str, title: str, data: Mapping[str, Any]) -> str:
    """The page of ``kind`` (``sweep`` or ``project``), whose script draws ``data``; the same data give the same bytes.

    Raises
    ------
    ToolError
        The Python package plotly is not installed.
    """
    templates = resources.files("hwq.report") / "templates"
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (templates / name).read_text(encoding="utf-8")),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    # Nothing in it can end the script element that holds it.
    embedded = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    # Style and scripts are no templates: what they hold in braces is theirs.
    environment.globals["source"] = lambda name: (templates / name).read_text(encoding="utf-8")
    return environment.get_template(f"{kind}.html.j2").render(title=title, data=embedded, plotly=_plotly())


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise ToolError("hwq report needs the Python package plotly: pip install 'hwq[report]'") from None
    script: str = get_plotlyjs()
    return script
