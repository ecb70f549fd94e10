"""The depthwise engine's section of docs/spec/accelerator.md says what plan and numbers say."""

from __future__ import annotations

import re

from hwq.arch import isa
from hwq.schedule.plans import fetch_cycles, to_memory
from tests.docs.tables import DEPTHWISE, DOCS, tables_of

PAGE = (DOCS / "spec" / "accelerator.md").read_text(encoding="utf-8")
SECTION = " ".join(PAGE[PAGE.index("## A.19") :].split())


def test_the_worked_example() -> None:
    plan = DEPTHWISE["depthwise"]
    c, p, blocks = plan.channels[0], plan.accelerator.depthwise, plan.blocks
    assert p is not None
    rows, columns = c.output_size
    vector = plan.accelerator.depthwise_vector
    assert f"{rows} x {columns} pixels and {len(plan.channels)} channels, {blocks} blocks of {vector}" in SECTION
    first, later = plan.first_step + 1, (rows - 1) * columns + columns - 1
    assert f"complete at step 1 * {columns} + 2 = {first}," in SECTION
    assert f"the last one {rows - 1} * {columns} + {columns - 1} = {later} steps later" in SECTION
    assert f", at step {plan.steps}." in SECTION
    block = plan.steps + c.pixels
    assert f"takes {plan.steps} + {c.pixels} = {block} cycles" in SECTION
    last = fetch_cycles() + p.taps + blocks * block
    assert f"in cycle {fetch_cycles()} + {p.taps} + {blocks} * {block} = {last}," in SECTION
    latency = plan.accelerator.depthwise_latency
    there, total = last + latency, plan.cycles().total
    assert f"in {last} + {latency} = {there}, and 1 + 8 + 2 cycles later, in {total}," in SECTION
    assert (to_memory(plan.accelerator), total) == (1 + 8 + 2, there + 11)
    assert (latency, p.levels) == (4 + 2, 2) and "4 cycles after its issue" in SECTION


def test_what_the_other_examples_show() -> None:
    partial, pixels = DEPTHWISE["partial"], DEPTHWISE["pixels"]
    assert (len(partial.channels), [partial.block_groups(block) for block in range(partial.blocks)]) == (12, [2, 1])
    assert pixels.cycles().wait > pixels.blocks * pixels.channels[0].pixels


def test_descriptor_rows_are_the_fields_of_the_isa() -> None:
    table = next(table for name, table in tables_of(PAGE) if name == "descriptor_depthwise")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (?:\d+:)?(\d+) \| (\d+) \| ([us]) \|", table, re.MULTILINE)
    found = {name: (64 * int(word) + int(low), int(width), kind == "s") for name, word, low, width, kind in rows}
    fields = isa.LAYOUTS[isa.Opcode.DWCONV].fields
    assert found == {name: (p.offset, p.field.width, p.field.signed) for name, p in fields.items()}
