"""Columns give back what they were made of."""

from __future__ import annotations

from typing import Any

from hwq.report.columns import coded, woven


def unwoven(columns: dict[str, Any], index: int) -> str:
    """A text as the page puts it together."""
    shape = columns["shapes"][columns["shape"][index]]
    lines = list(shape["lines"])
    for number, column in shape["vary"].items():
        lines[int(number)] = column["values"][column["codes"][columns["row"][index]]]
    return "\n".join(lines)


def test_values_keep_their_types() -> None:
    values = [[1], [True], [1.0], ["1"], [None], [], [1], [True], ["é"]]
    column = coded(values)
    assert [repr(column["values"][code]) for code in column["codes"]] == [repr(value) for value in values]
    assert len(column["values"]) == 7


def test_texts_come_back_to_the_character() -> None:
    texts = [
        "a: 1\nb: 2\n",
        "a: 1\nb: 3\n",
        "a: 1\nb: 2\nc: 4\n",
        "",
        "a: 2\nb: 3\n",
        "a: 1\nb: 2\nc: 5",
        "a: 1\nb: 2\n",
    ]
    columns = woven(texts)
    assert [unwoven(columns, index) for index in range(len(texts))] == texts


def test_lines_that_all_have_are_said_once() -> None:
    columns = woven([f"same\nn: {n % 4}\n" for n in range(1000)])
    (shape,) = columns["shapes"]
    assert list(shape["vary"]) == ["1"]
    assert shape["vary"]["1"]["values"] == ["n: 0", "n: 1", "n: 2", "n: 3"]


def test_nothing_is_nothing() -> None:
    assert woven([]) == {"shapes": [], "shape": [], "row": []}
