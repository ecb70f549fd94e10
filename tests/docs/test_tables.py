"""The tables in the documentation say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArrayParameters
from hwq.config.project import load_project
from hwq.schedule.cycles import count_cycles
from hwq.schedule.plan import plan_convolution
from tests.docs.tables import CONV2D, CONV2D_1, DENSE, DOCS, EXAMPLE, TABLES, pages, renewed, tables_of

PAGE = DOCS / "spec" / "accelerator.md"
ROOT = DOCS.parent


def test_pages_are_found() -> None:
    assert PAGE in pages()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_tables_are_current(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count("<!-- table") == text.count("<!-- end of table -->") == len(tables_of(text))
    assert renewed(text) == text, "python -m tests.docs.tables writes the tables anew"


def test_every_table_is_shown() -> None:
    shown = {name for page in pages() for name, _ in tables_of(page.read_text(encoding="utf-8"))}
    assert shown == set(TABLES)


def test_a_changed_table_is_noticed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    changed = text.replace("| `blocks` | 0 | 34:19 |", "| `blocks` | 0 | 34:20 |")
    assert changed != text
    assert renewed(changed) == text


def _rows(name: str) -> list[list[str]]:
    table = next(table for found, table in tables_of(PAGE.read_text(encoding="utf-8")) if found == name)
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def test_descriptor_rows_are_the_fields_of_the_isa() -> None:
    rows = {}
    for name, word, bits, width, kind, _ in _rows("descriptor"):
        high, _, low = bits.partition(":")
        assert int(high) - int(low or high) + 1 == int(width)
        rows[name] = (64 * int(word) + int(low or high), int(width), kind == "s")
    fields = isa.LAYOUTS[isa.Opcode.CONV].fields
    assert rows == {name: (p.offset, p.field.width, p.field.signed) for name, p in fields.items()}


def test_record_rows_are_the_fields_of_the_isa() -> None:
    rows = {name: (int(bits.split(":")[-1]), int(width)) for name, bits, width, *_ in _rows("record")}
    assert rows == {name: (p.offset, p.field.width) for name, p in isa.RECORD.fields.items()}


def test_the_example_is_the_shipped_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", "models")
    assert load_project(ROOT / "configs" / "projects" / "kws_8x8.yaml").accelerator == EXAMPLE


def test_the_worked_example_in_prose() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    a = EXAMPLE
    to_full = a.feed_latency + a.array_latency + a.accumulate_latency
    assert f"`to_full` is {a.feed_latency} + {a.array_latency} + {a.accumulate_latency} = {to_full}" in text
    first = isa.DESCRIPTOR_WORDS + 2 + a.array.rows + 1
    last = first + (DENSE.passes - 1) * a.minimum_pass
    assert f"{first} + {DENSE.passes - 1} * {a.minimum_pass} = {last}" in text
    assert f"in {last} + {to_full} = {last + to_full} and the drain issues in {last + to_full + 1}" in text


def test_the_examples_are_layers_of_the_model() -> None:
    assert [plan.convolution.macs for plan in (CONV2D, CONV2D_1, DENSE)] == [320_000, 512_000, 768]


def _shown_cycles(page: Path) -> set[tuple[str, int]]:
    """(layer, cycles) in the tables that a page shows of verify, gen and the testbench."""
    text = page.read_text(encoding="utf-8")
    found = set()
    for pattern in (
        r"^(conv2d\w*|dense) +[\d,]+ +\d+ +([\d,]+) +\2 ",
        r"^(conv2d\w*|dense) +[\dx]+ +[\dx]+ +[\d,]+ +\d+ +([\d,]+) +[\d.]+% +\d+, \d+$",
        r"^(conv2d\w*|dense) +ok +\d+ elements, (\d+) cycles",
    ):
        found |= {(name, int(cycles.replace(",", ""))) for name, cycles in re.findall(pattern, text, re.MULTILINE)}
    return found


@pytest.mark.parametrize(
    ("page", "accelerator"),
    [
        ("docs/guide/getting-started.md", Accelerator(array=ArrayParameters(rows=16, columns=8))),
        ("docs/spec/manifest.md", EXAMPLE),
        ("docs/spec/accelerator.md", EXAMPLE),
        ("README.md", EXAMPLE),
    ],
    ids=lambda value: Path(value).stem if isinstance(value, str) else "",
)
def test_cycles_in_shown_output_are_the_schedules(page: str, accelerator: Accelerator) -> None:
    plans = {"conv2d": CONV2D, "dense": DENSE, **{f"conv2d_{number}": CONV2D_1 for number in range(1, 5)}}
    expected = {
        name: count_cycles(plan_convolution(plan.convolution, accelerator)).total for name, plan in plans.items()
    }
    shown = _shown_cycles(ROOT / page)
    assert shown
    assert all(cycles == expected[name] for name, cycles in shown)
