"""Tables that fit the terminal: where it is narrow the columns of least weight are left out, and names never are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

#: Characters of a name that stay where the whole one costs columns, and that stay at least.
_NAME, _SHORTEST_NAME = 24, 8

_Cell = str | Text


@dataclass(frozen=True)
class Column:
    """One column; ``drop`` says how early it goes where there is no room, the highest first, and 0 stays."""

    header: str
    right: bool = False
    drop: int = 0


@dataclass(frozen=True)
class Row:
    """One row: a cell for each column, the first one a name that may be shortened; ``section`` draws a line above."""

    cells: Sequence[_Cell]
    style: str = ""
    section: bool = False


def fitted(columns: Sequence[Column], rows: Sequence[Row], out: Console, width: int | None = None) -> RenderableType:
    """A table no wider than ``width`` (the console's without it), and a line below it that says what is not shown."""
    room = out.width if width is None else width
    shown = list(range(len(columns)))
    longest = max((cell_len(str(row.cells[0])) for row in rows), default=0)
    names = longest
    while (excess := _width(_table(columns, rows, shown, names), out) - room) > 0:
        dropped = max(shown, key=lambda index: columns[index].drop)
        if names > _NAME:
            names = max(_NAME, names - excess)
        elif columns[dropped].drop:
            shown.remove(dropped)
        elif names > _SHORTEST_NAME:
            names = max(_SHORTEST_NAME, names - excess)
        else:
            break
    table = _table(columns, rows, shown, names)
    hidden = [column.header for index, column in enumerate(columns) if index not in shown]
    if not hidden:
        return table
    return Group(table, Text(f"Not shown in {room} columns: {', '.join(hidden)}.", style="dim"))


def elided(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns: its middle goes, for names differ at their ends."""
    if cell_len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{set_cell_size(text, width - 1 - tail)}…{text[len(text) - tail :]}"


def _table(columns: Sequence[Column], rows: Sequence[Row], shown: Sequence[int], names: int) -> Table:
    table = Table(
        box=box.SIMPLE, header_style="bold", pad_edge=False, padding=(0, 1), collapse_padding=True, show_edge=False
    )
    for index in shown:
        table.add_column(columns[index].header, justify="right" if columns[index].right else "left", no_wrap=True)
    for row in rows:
        if row.section:
            table.add_section()
        name, *_ = row.cells
        # A long name alone is shortened; a style on a name is a total's, which is short.
        cells = [elided(name, names) if isinstance(name, str) else name, *row.cells[1:]]
        table.add_row(*(cells[index] for index in shown), style=row.style)
    return table


def _width(table: Table, out: Console) -> int:
    return Measurement.get(out, out.options.update(max_width=10_000), table).maximum
