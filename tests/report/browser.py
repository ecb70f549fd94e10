"""A page of hwq in headless Chromium, and what it complains of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hwq.errors import ToolError
from hwq.report.pictures import BROWSER_OPTIONS
from hwq.toolchain.tools import Tool, find_browser


def installed() -> Tool:
    """The browser; where there is none the test is skipped."""
    try:
        return find_browser()
    except ToolError as error:
        pytest.skip(str(error))


@contextmanager
def browsing() -> Iterator[Any]:
    """A browser."""
    tool = installed()
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=tool.command[0], args=[*BROWSER_OPTIONS, "--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Any, path: Path, width: int = 1366, height: int = 768, scheme: str = "light", drawn: bool = True
) -> Iterator[Any]:
    """The page at ``path``, its first plot drawn if it has one; it must not complain, nor ask for anything else."""
    said: list[str] = []
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, offline=True, accept_downloads=False
    )
    page = context.new_page()
    # All of CI's machine may be busy with other tests.
    page.set_default_timeout(90_000)
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    if drawn:
        page.wait_for_selector("section[data-drawn]")
    yield page
    context.close()
    # What this machine's graphics have to say of themselves is not the page's.
    assert [line for line in said if "GL Driver Message" not in line and not line.startswith("data:")] == []


def show(page: Any, section: str) -> None:
    """Go to a section, and wait until it is drawn."""
    page.evaluate(f"document.getElementById('{section}').scrollIntoView()")
    page.wait_for_selector(f"#{section}[data-drawn]")


def place(page: Any, plot: str, trace: str, number: int) -> tuple[float, float]:
    """Where on the screen point ``number`` of a trace is."""
    x, y = page.evaluate(
        """([plot, name, number]) => {
            const place = document.getElementById(plot);
            const { _size: size, xaxis, yaxis } = place._fullLayout;
            const trace = place.data.find((trace) => trace.name === name);
            const box = place.getBoundingClientRect();
            return [box.left + size.l + xaxis.d2p(trace.x[number]), box.top + size.t + yaxis.d2p(trace.y[number])];
        }""",
        [plot, trace, number],
    )
    return x, y
