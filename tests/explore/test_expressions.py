"""Conditions: what they mean, and that nothing but a condition is taken."""

from __future__ import annotations

import pytest

from hwq.explore.expressions import Condition, parse

VALUES: dict[str, object] = {"cycles": 52444, "accuracy": 0.9, "array.rows": 8, "pooling": "auto", "nothing": None}
NAMES = [*VALUES, "on"]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("cycles <= 60000 and accuracy >= 0.9", True),
        ("cycles<=52443 or accuracy>0.9", False),
        ("array.rows == 8", True),
        ("not array.rows == 8", False),
        ("4 < array.rows <= 8", True),
        ("4 < array.rows < 8", False),
        ("cycles / array.rows < 6600 and -cycles < 0", True),
        ("cycles - 44 == 2 * 26200", True),
        ("pooling == 'auto'", True),
        ("pooling != 'none'", True),
        ("nothing == null", True),
        ("on == null", True),
        ("nothing < 3", False),
        ("nothing >= 3", False),
        ("cycles / 0 > 1", False),
        ("pooling < 3", False),
        ("pooling + 3 == 3", False),
        ("(cycles > 1) and true == true", True),
    ],
)
def test_what_conditions_mean(text: str, holds: bool) -> None:
    condition = parse(text, NAMES)
    assert isinstance(condition, Condition), condition
    assert condition.holds(VALUES) is holds


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("cycels < 3", ["no name 'cycels'; did you mean cycles?"]),
        ("array.row < 3 and acuracy > 1", ["no name 'array.row'; did you mean array.rows?",
                                          "no name 'acuracy'; did you mean accuracy?"]),
        ("array.rows = 8", ["is no condition: 'array.rows = 8'; equality is =="]),
        ("cycles <", ["is no condition: 'cycles <'; an example: cycles <= 60000 and accuracy >= 0.9"]),
        ("cycles", ["compares nothing: 'cycles'; an example: cycles <= 60000 and accuracy >= 0.9"]),
        ("", ["is no condition: ''; an example: cycles <= 60000 and accuracy >= 0.9"]),
        ("1 < 2 < " * 300, ["is longer than 1,000 characters"]),
    ],
)  # fmt: skip
def test_faults(text: str, faults: list[str]) -> None:
    assert parse(text, NAMES) == faults


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true') == 0",
        "(lambda: 1)() == 1",
        "cycles ** 99999999 > 1",
        "[c for c in cycles] == 1",
        "'a' % 3 == 1",
        "cycles in (1, 2)",
        "(cycles := 3) == 3",
        "f'{cycles}' == 'a'",
        "b'a' == 1",
        "1j == 1",
        "cycles if accuracy else 3",
        "cycles[0] == 1",
        "cycles << 99999 > 1",
        "cycles is 3",
    ],
)
def test_nothing_else_is_taken(text: str) -> None:
    faults = parse(text, NAMES)
    assert isinstance(faults, list)
    assert any("is no part of a condition" in fault for fault in faults)


def test_deep_nesting_is_a_fault_or_a_condition() -> None:
    for text in ("(" * 400 + "1" + ")" * 400 + " < 2", "not " * 200 + "1 < 2", "-" * 900 + "1 < 2"):
        parsed = parse(text, NAMES)
        assert isinstance(parsed, list) or parsed.holds(VALUES) in (True, False)
