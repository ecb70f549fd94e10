"""The pooling engine's section of docs/spec/accelerator.md says what plan and numbers say."""

from __future__ import annotations

import re

from hwq.arch import isa
from hwq.arch.engines.pooling import LARGEST_COUNT, LATENCY
from hwq.numeric.division import division_multiplier
from hwq.schedule.plans import fetch_cycles, to_memory
from tests.docs.tables import DOCS, POOLING, tables_of

PAGE = (DOCS / "spec" / "accelerator.md").read_text(encoding="utf-8")
SECTION = " ".join(PAGE[PAGE.index("## A.17") :].split())


def test_the_worked_example() -> None:
    plan = POOLING["average"]
    positions, blocks = plan.windows.positions, plan.blocks
    last = fetch_cycles() + blocks * positions
    assert f"{plan.windows.kernel[0]} x {plan.windows.kernel[1]} = {positions} positions" in SECTION
    assert f"{plan.windows.channels} channels are {blocks} blocks of {plan.accelerator.vector}" in SECTION
    assert f"in cycle {fetch_cycles()} + {blocks} * {positions} = {last}," in SECTION
    second = last + LATENCY + 1
    assert f"in {last} + {LATENCY} + 1 = {second}, and 1 + 8 + 2 cycles later, in {plan.cycles().total}," in SECTION
    assert (to_memory(plan.accelerator), plan.cycles().total) == (1 + 8 + 2, second + 11)
    multiplier, shift = division_multiplier(positions)
    assert f"multiplier {multiplier}, shift {shift}: k is {positions.bit_length() - 1}" in SECTION


def test_limits_and_latency() -> None:
    assert f"up to {LARGEST_COUNT:,} codes" in SECTION
    assert f"{LATENCY} cycles after its last position" in SECTION
    assert f"+ {LATENCY} + groups - 1 +" in SECTION


def test_the_formula_of_the_record() -> None:
    for count in range(1, LARGEST_COUNT, 97):
        k = count.bit_length() - 1
        multiplier, shift = -(-(2 ** (31 + k)) // count), -(8 + k)
        expected = (1 << 30, shift + 1) if multiplier == 1 << 31 else (multiplier, shift)
        assert division_multiplier(count) == expected


def test_descriptor_rows_are_the_fields_of_the_isa() -> None:
    table = next(table for name, table in tables_of(PAGE) if name == "descriptor_pooling")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (?:\d+:)?(\d+) \| (\d+) \| ([us]) \|", table, re.MULTILINE)
    found = {name: (64 * int(word) + int(low), int(width), kind == "s") for name, word, low, width, kind in rows}
    fields = isa.LAYOUTS[isa.Opcode.POOL].fields
    assert found == {name: (p.offset, p.field.width, p.field.signed) for name, p in fields.items()}
