"""Conditions on points, as text: a small part of Python's expressions, parsed and never executed as Python.

Comparisons, ``and``, ``or``, ``not``, ``+ - * /``, numbers, texts, ``true``, ``false``, ``null``, and names, which may
have dots: ``cycles <= 60000 and array.rows == 8``.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hwq.config.faults import nearest

#: Characters of a condition at most.
_LONGEST = 1000

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_CONSTANTS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}


@dataclass(frozen=True)
class Condition:
    """A condition that has been checked; made by `parse`."""

    text: str
    _tree: ast.expr

    @property
    def names(self) -> frozenset[str]:
        """What it compares."""
        return frozenset(name for part in ast.walk(self._tree) if isinstance(part, ast.expr) and (name := _name(part)))

    def holds(self, values: Mapping[str, object]) -> bool:
        """Whether it is true of a point whose names have ``values``.

        A name without a value is null there; nothing is smaller or larger than null, or than a value of another kind.
        """
        return _value(self._tree, values) is True


def parse(text: str, names: Sequence[str]) -> Condition | list[str]:
    """The condition that ``text`` says over ``names``, or everything that is wrong with it."""
    if len(text) > _LONGEST:
        return [f"is longer than {_LONGEST:,} characters"]
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        single = "=" in text.replace("==", "").replace("<=", "").replace(">=", "").replace("!=", "")
        hint = "equality is ==" if single else "an example: cycles <= 60000 and accuracy >= 0.9"
        return [f"is no condition: {text.strip()!r}; {hint}"]
    faults = list(dict.fromkeys(_faults(tree, names)))
    if not faults and not _is_truth(tree):
        faults = [f"compares nothing: {text.strip()!r}; an example: cycles <= 60000 and accuracy >= 0.9"]
    return faults or Condition(text.strip(), tree)


def _is_truth(tree: ast.expr) -> bool:
    """Whether it gives true or false, as a condition does."""
    if isinstance(tree, ast.BoolOp):
        return all(_is_truth(part) for part in tree.values)
    if isinstance(tree, ast.UnaryOp):
        return isinstance(tree.op, ast.Not) and _is_truth(tree.operand)
    return isinstance(tree, ast.Compare)


def _faults(tree: ast.expr, names: Sequence[str]) -> Iterator[str]:
    name = _name(tree)
    if name is not None:
        if name not in names and name not in _CONSTANTS:
            yield f"no name {name!r}; {nearest(name, names)}"
    elif isinstance(tree, ast.BoolOp):
        for part in tree.values:
            yield from _faults(part, names)
    elif isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not | ast.USub):
        yield from _faults(tree.operand, names)
    elif isinstance(tree, ast.BinOp) and type(tree.op) in _ARITHMETIC:
        yield from _faults(tree.left, names)
        yield from _faults(tree.right, names)
    elif isinstance(tree, ast.Compare) and all(type(op) in _COMPARISONS for op in tree.ops):
        for part in (tree.left, *tree.comparators):
            yield from _faults(part, names)
    elif not (isinstance(tree, ast.Constant) and isinstance(tree.value, int | float | str | None)):
        shown = ast.unparse(tree)
        yield f"{shown!r} is no part of a condition: valid are comparisons, and, or, not, + - * /, numbers and names"


def _name(tree: ast.expr) -> str | None:
    """The dotted name that an expression is, if it is one."""
    if isinstance(tree, ast.Name):
        return tree.id
    if isinstance(tree, ast.Attribute) and (before := _name(tree.value)) is not None:
        return f"{before}.{tree.attr}"
    return None


def _value(tree: ast.expr, values: Mapping[str, object]) -> Any:
    name = _name(tree)
    if name is not None:
        return values.get(name) if name not in _CONSTANTS or name in values else _CONSTANTS[name]
    if isinstance(tree, ast.Constant):
        return tree.value
    if isinstance(tree, ast.BoolOp):
        parts = (_value(part, values) is True for part in tree.values)
        return all(parts) if isinstance(tree.op, ast.And) else any(parts)
    if isinstance(tree, ast.UnaryOp):
        if isinstance(tree.op, ast.Not):
            return _value(tree.operand, values) is not True
        return _computed(operator.sub, 0, _value(tree.operand, values))
    if isinstance(tree, ast.BinOp):
        return _computed(_ARITHMETIC[type(tree.op)], _value(tree.left, values), _value(tree.right, values))
    assert isinstance(tree, ast.Compare), "what else passes the check"
    operands = [_value(part, values) for part in (tree.left, *tree.comparators)]
    return all(
        _computed(_COMPARISONS[type(op)], a, b) is True
        for op, a, b in zip(tree.ops, operands, operands[1:], strict=False)
    )


def _computed(function: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    """The result, or null where there is none."""
    try:
        return function(a, b)
    except (TypeError, ZeroDivisionError, OverflowError):
        return None
