"""Text for a terminal, broken between words; anything else that reads it gets the lines whole."""

from __future__ import annotations

import os
import shutil
import textwrap
from typing import Any


def wrapped(text: str, stream: Any, *, obey_columns: bool = False) -> str:
    """``text`` in lines as long as the terminal's, words and paths whole; as it is where ``stream`` is no terminal.

    Parameters
    ----------
    text:
        One or more lines; each is broken by itself.
    stream:
        Where it will be written.
    obey_columns:
        The environment's COLUMNS makes lines short elsewhere too.
    """
    if not (stream.isatty() or (obey_columns and os.environ.get("COLUMNS"))):
        return text
    width = max(20, shutil.get_terminal_size().columns)
    return "\n".join(
        textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False, replace_whitespace=False)
        for line in text.split("\n")
    )
