"""Long lines of C++ broken as clang-format breaks them, so that it finds nothing to change."""

from __future__ import annotations

from collections.abc import Sequence

_WIDTH = 120


def signature(name: str, parameters: Sequence[str]) -> str:
    """Result, name and parameters of a function, with room for the brace behind them."""
    return _arguments(f"void {name}(", parameters, ")", indent=0, after=2)


def call(statement: str, indent: int) -> str:
    """A statement that is a call, at a column; anything else as it is."""
    if not statement.endswith(");") or len(statement) + indent <= _WIDTH:
        return statement
    head, _, inside = statement[:-2].partition("(")
    return _arguments(f"{head}(", inside.split(", "), ");", indent, after=0)


def _arguments(head: str, words: Sequence[str], tail: str, indent: int, after: int) -> str:
    """As many words on a line as there is room for, the others below the first one.

    ``after`` is what the caller puts behind the last line.
    """
    below = " " * (indent + len(head))
    lines, line = [], " " * indent + head
    for number, word in enumerate(words):
        last = number == len(words) - 1
        piece = word + (tail if last else ",")
        room = _WIDTH - (after if last else 0)
        gap = "" if line.endswith("(") or line == below else " "
        if gap and len(line) + len(gap) + len(piece) > room:
            lines.append(line)
            line, gap = below, ""
        line += gap + piece
    return "\n".join([*lines, line])[indent:]
