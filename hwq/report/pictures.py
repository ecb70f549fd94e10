"""The plots of a report as pictures, each of a section alone, drawn by a browser that nobody sees."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from hwq.errors import ToolError
from hwq.export.files import writing
from hwq.toolchain.children import run_child
from hwq.toolchain.scratch import scratch_folder
from hwq.toolchain.tools import Tool

#: Width and height of a slide in the page's own pixels, of which a picture has two each way.
SIZE = (1600, 900)

#: Milliseconds of the page's own clock after which it has drawn everything.
_DRAWN = 20_000

BROWSER_OPTIONS = (
    "--no-first-run",
    "--disable-extensions",
    # WebGL without a graphics processor.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
)
"""Options of Chromium with which it draws a report anywhere."""


def picture_names(page: str) -> list[str]:
    """The sections of a report that become pictures."""
    return re.findall(r'<section id="(\w+)" data-picture', page)


def write_pictures(path: Path, page: str, folder: Path, browser: Tool) -> list[Path]:
    """Draw the plots of ``page``, which lies at ``path``, to ``folder`` as ``NAME.png``; the value are the files.

    Raises
    ------
    DataError
        The folder cannot be written.
    ToolError
        The browser fails.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return [_picture(path, name, (folder / f"{name}.png").absolute(), browser) for name in picture_names(page)]


def _picture(path: Path, name: str, target: Path, browser: Tool) -> Path:
    with scratch_folder("hwq-report-") as scratch:
        drawn, log = scratch / "picture.png", scratch / "log"
        command = [
            *browser.command,
            "--headless",
            *BROWSER_OPTIONS,
            # A root without a sandbox of its own cannot have Chromium's; the page is hwq's.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={scratch / 'profile'}",
            "--hide-scrollbars",
            "--force-device-scale-factor=2",
            f"--window-size={SIZE[0]},{SIZE[1]}",
            f"--virtual-time-budget={_DRAWN}",
            f"--screenshot={drawn}",
            f"{path.absolute().as_uri()}#picture={name}",
        ]
        code = run_child("the browser", command, log, scratch, os.environ, time.monotonic())
        if code or not drawn.is_file():
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise ToolError(f"{browser.name} drew no picture of {path}: {said[-1] if said else f'exit code {code}'}")
        with writing(target):
            target.write_bytes(drawn.read_bytes())
    return target
