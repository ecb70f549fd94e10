"""The elementwise engine's section of docs/spec/accelerator.md says what plan and numbers say."""

from __future__ import annotations

import re
from dataclasses import replace

from hwq.arch import isa
from hwq.arch.engines.elementwise import FRACTION, LATENCY, LONGEST_SHIFT, SCALER_LATENCY, ElementwiseParameters
from hwq.numeric.add import add, add_parameters, add_term
from hwq.schedule.engines.elementwise import ElementwisePlan
from hwq.schedule.plans import fetch_cycles, to_memory
from tests.docs.tables import DOCS, EXAMPLE, tables_of

PAGE = (DOCS / "spec" / "accelerator.md").read_text(encoding="utf-8")
SECTION = " ".join(re.split(r"^## ", PAGE.partition(" Elementwise engine\n")[2], flags=re.MULTILINE)[0].split())

PARAMETERS = add_parameters(0.5, 0.25, 0.5)
PLAN = ElementwisePlan(
    replace(EXAMPLE, elementwise=ElementwiseParameters()), 32 * 32 * 16, (0, 0), PARAMETERS, 0, (-128, 127)
)


def test_the_cycles_of_the_worked_example() -> None:
    group, groups, total = PLAN.accelerator.elementwise_group, PLAN.groups, PLAN.cycles().total
    issued = fetch_cycles() + groups
    assert f"are {PLAN.elements} elements, {groups} groups of {group}" in SECTION
    assert f"issued in cycle {fetch_cycles()} + {groups} = {issued}," in SECTION
    there = issued + LATENCY
    assert f"in {issued} + {LATENCY} = {there}, and 1 + 8 + 2 cycles later, in {total}," in SECTION
    assert (to_memory(PLAN.accelerator), total) == (1 + 8 + 2, there + 11)


def test_the_numbers_of_the_worked_example() -> None:
    first, second = int(add_term(10, PARAMETERS.first)), int(add_term(1, PARAMETERS.second))
    assert f"10 * 2^19 = {first} and 2^19 / 2 = {second}" in SECTION
    multiplier, shift = PARAMETERS.output
    half = (first + second) // 2
    assert (multiplier, shift) == (1 << 30, -18)
    assert f"is {half}, and {half} / 2^18 = {half / 2**18} is code {int(add(10, 1, PARAMETERS))}." in SECTION


def test_the_constants() -> None:
    dropped = 31 - FRACTION
    assert f"multiplier + 2^{dropped - 1}) >> {dropped}, shift)" in SECTION
    assert f"A shift of more than {LONGEST_SHIFT} would" in SECTION
    assert f"= {fetch_cycles()} + groups + {LATENCY} + 1 + requantizer" in SECTION
    assert (SCALER_LATENCY, LATENCY) == (5, 2 + 1 + 5)


def test_descriptor_rows_are_the_fields_of_the_isa() -> None:
    table = next(table for name, table in tables_of(PAGE) if name == "descriptor_elementwise")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (?:\d+:)?(\d+) \| (\d+) \| ([us]) \|", table, re.MULTILINE)
    found = {name: (64 * int(word) + int(low), int(width), kind == "s") for name, word, low, width, kind in rows}
    fields = isa.LAYOUTS[isa.Opcode.ADD].fields
    assert found == {name: (p.offset, p.field.width, p.field.signed) for name, p in fields.items()}
