"""Values of many points as columns, each said once: what keeps the report of a large sweep small."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def coded(values: Sequence[Any]) -> dict[str, Any]:
    """A column of few distinct values, as JSON has them: ``values``, and ``codes``, an index of them for each row."""
    # As text, for 1, 1.0 and true are equal in Python.
    index: dict[str, int] = {}
    codes = [index.setdefault(json.dumps(value), len(index)) for value in values]
    return {"values": [json.loads(text) for text in index], "codes": codes}


def woven(texts: Sequence[str]) -> dict[str, Any]:
    """Texts that differ in few lines: the ``lines`` of the first, and columns of those that ``vary``.

    Returns
    -------
    ``shapes``, one for each number of lines: ``lines``, and ``vary`` with for a line's number its column as `coded`
    gives it; ``shape`` and ``row``, which say for each text in which shape and where in its columns it is. Joined by
    line feeds, the lines are the text, character by character.
    """
    split = [text.split("\n") for text in texts]
    members: dict[int, list[list[str]]] = {}
    numbers: dict[int, int] = {}
    shape, row = [], []
    for lines in split:
        members.setdefault(len(lines), [])
        shape.append(numbers.setdefault(len(lines), len(numbers)))
        row.append(len(members[len(lines)]))
        members[len(lines)].append(lines)
    shapes = []
    for rows in members.values():
        columns = list(zip(*rows, strict=True))
        vary = {str(n): coded(column) for n, column in enumerate(columns) if len(set(column)) > 1}
        shapes.append({"lines": rows[0], "vary": vary})
    return {"shapes": shapes, "shape": shape, "row": row}
