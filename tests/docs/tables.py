"""Tables of the documentation that are made from hwq's own definitions; ``python -m tests.docs.tables`` writes them.

A page holds a table between ``<!-- table NAME -->`` and ``<!-- end of table -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.engines.elementwise import ElementwiseParameters
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.engines.table import TableParameters
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, BufferParameters, RequantizerParameters
from hwq.config.models import project_schema
from hwq.explore.metrics import METRICS
from hwq.export.ports import describe_ports
from hwq.graph import layers
from hwq.numeric.formats import INT8
from hwq.schedule.cycles import count_cycles, jobs
from hwq.schedule.engines.depthwise import DepthwisePlan
from hwq.schedule.engines.pooling import PoolingPlan
from hwq.schedule.geometry import Convolution
from hwq.schedule.plan import ConvPlan, plan_convolution
from hwq.schedule.windows import Windows, copy_windows
from tests.docs.studies import accumulators
from tests.support.random_arithmetic import OPTIONS, PROOF, coverage, every_pair

DOCS = Path(__file__).parents[2] / "docs"

EXAMPLE = Accelerator(
    array=ArrayParameters(rows=8, columns=8),
    arithmetic=ArithmeticParameters(accumulator_bits=24),
    requantizer=RequantizerParameters(lanes=4, max_left_shift=0),
    buffers=BufferParameters(activations=16384, weights=32768, channels=1024, descriptors=16, accumulators=64),
)
"""The accelerator of configs/projects/kws_8x8.yaml, which the pages take their examples from."""

EVERY_ENGINE = replace(
    EXAMPLE,
    depthwise=DepthwiseParameters(),
    pooling=PoolingParameters(),
    elementwise=ElementwiseParameters(),
    table=TableParameters(),
)
"""The same with every engine, whose Verilog holds all that the pages name."""

_BLOCK = re.compile(r"(<!-- table (\w+) -->\n)(.*?)(<!-- end of table -->)", re.DOTALL)


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown, surrounded by blank lines."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n" + "\n".join(lines) + "\n\n"


def _registers() -> str:
    rows: list[tuple[object, ...]] = []
    for register, info in isa.REGISTERS.items():
        rows.append((f"0x{register.value:02x}", f"`{register.name}`", "", info.access, info.doc))
        rows += [("", f"`{register.name}.{name}`", bit, info.access, doc) for name, bit, doc in info.bits]
    return markdown(("Offset", "Register", "Bit", "Access", "Meaning"), rows)


def _opcodes() -> str:
    return markdown(("Opcode", "Value"), [(f"`{opcode.name}`", opcode.value) for opcode in isa.Opcode])


def _spaces() -> str:
    a = EXAMPLE
    rows = [
        (space.value, f"`{space.name}`", a.word_bits[space], -(-a.word_bits[space] // isa.WORD_BITS), a.words[space])
        for space in isa.Space
    ]
    return markdown(("Space", "Memory", "Bits of a word", "Beats of a word", "Words"), rows)


def _bits(lsb: int, width: int) -> str:
    return f"{lsb + width - 1}:{lsb}" if width > 1 else str(lsb)


def _descriptor(opcode: isa.Opcode) -> str:
    rows = [
        (f"`{name}`", p.word, _bits(p.lsb, p.field.width), p.field.width, "s" if p.field.signed else "u", p.field.doc)
        for name, p in isa.LAYOUTS[opcode].fields.items()
    ]
    return markdown(("Field", "Word", "Bits", "Width", "Type", "Meaning"), rows)


def _record() -> str:
    rows = [
        (f"`{name}`", _bits(p.offset, p.field.width), p.field.width, "s" if p.field.signed else "u", p.field.doc)
        for name, p in isa.RECORD.fields.items()
    ]
    return markdown(("Field", "Bits", "Width", "Type", "Meaning"), rows)


def _ports() -> str:
    rows = [(f"`{p['name']}`", p["direction"], p["width"], p["doc"]) for p in describe_ports(EXAMPLE)]
    return markdown(("Port", "Direction", "Width", "Meaning"), rows)


def _beat() -> str:
    fields = next(port["fields"] for port in describe_ports(EXAMPLE) if port["name"] == "load__payload")
    rows = [(f"`{field['name']}`", _bits(field["lsb"], field["width"]), field["width"]) for field in fields]
    return markdown(("Field", "Bits", "Width"), rows)


def _latencies() -> str:
    a = EXAMPLE
    rows = [
        ("feed", "5", a.feed_latency, "issue of a step to its operands at the array's input"),
        ("array", "R + C - 1, + 1 with `product_register`", a.array_latency, "operands to aligned sums"),
        ("accumulate", "2", a.accumulate_latency, "sums to an accumulator that the drain may read"),
        ("drain", "2", a.drain_latency, "issue of a lane group to the requantizer's input"),
        ("requantizer", "8", a.requantizer_latency, "accumulator to code"),
        ("store", "2", a.store_latency, "code to activation memory written"),
    ]
    return markdown(("Latency", "Cycles", "At 8x8", "From, to"), rows)


def example_plan(
    inputs: tuple[int, int, int],
    outputs: tuple[int, int, int],
    kernel: tuple[int, int] = (1, 1),
    stride: int = 1,
    start: tuple[int, int] = (0, 0),
) -> ConvPlan:
    """Plan of a convolution on the example; sizes are (height, width, channels)."""
    channels = outputs[2]
    convolution = Convolution(
        layer="example",
        input_size=inputs[:2],
        output_size=outputs[:2],
        pixel_elements=inputs[2],
        output_elements=channels,
        first_channel=0,
        first_output=0,
        weights=np.zeros((channels, *kernel, inputs[2]), dtype=np.int64),
        bias=np.zeros(channels, dtype=np.int64),
        scales=np.full(channels, 0.5),
        away=np.ones(channels, dtype=bool),
        stride=(stride, stride),
        dilation=(1, 1),
        start=start,
        padded=start != (0, 0),
        input_format=INT8,
        input_zero_point=0,
        output_zero_point=0,
        clamp=(-128, 127),
    )
    return plan_convolution(convolution, EXAMPLE)


DENSE = example_plan((1, 1, 64), (1, 1, 12))
"""Layer `dense` of the keyword spotting model."""

CONV2D = example_plan((49, 10, 1), (25, 5, 64), (10, 4), 2, (-4, -1))
"""Layer `conv2d` of the keyword spotting model."""

CONV2D_1 = example_plan((25, 5, 64), (25, 5, 64))
"""Layer `conv2d_1` of the keyword spotting model."""

THIN = example_plan((25, 5, 8), (25, 5, 64))
"""A layer of one pass, whose jobs wait for the drain."""


def _jobs() -> str:
    rows = [
        (number, job.pixels, job.groups, job.begin, job.end, job.drain, job.drain_end)
        for number, job in enumerate(jobs(DENSE))
    ]
    return markdown(("Job", "Pixels", "Groups", "begin", "end", "drain", "drain_end"), rows)


def _cycles() -> str:
    rows = []
    for name, plan in (("conv2d", CONV2D), ("conv2d_1", CONV2D_1), ("dense", DENSE), ("thin", THIN)):
        c = count_cycles(plan)
        shape = (plan.passes, plan.blocks, "+".join(map(str, plan.tiles)))
        rows.append((f"`{name}`", *shape, c.fetch, c.load, c.issue, c.wait, c.tail, f"**{c.total}**"))
    header = ("Layer", "Passes", "Blocks", "Tiles", "fetch", "load", "issue", "wait", "tail", "total")
    return markdown(header, rows)


def _pooling(windows: Windows) -> PoolingPlan:
    """An average on the example with a pooling engine."""
    return PoolingPlan(replace(EXAMPLE, pooling=PoolingParameters()), "example", windows, record=None)


POOLING = {
    "average": _pooling(Windows((25, 5), 64, (1, 1), 64, kernel=(25, 5))),
    "bordered": _pooling(Windows((6, 6), 12, (3, 3), 12, kernel=(3, 3), stride=(2, 2), start=(-1, -1))),
    "copy": _pooling(copy_windows(100)),
}
"""The average of the keyword spotting model, one whose windows reach into padding, a copy."""


def _cycles_pooling() -> str:
    rows = []
    for name, plan in POOLING.items():
        c, w = plan.cycles(), plan.windows
        shape = (w.positions, w.pixels, plan.blocks, plan.full_groups, plan.last_groups)
        rows.append((f"`{name}`", *shape, c.fetch, c.issue, c.wait, c.tail, f"**{c.total}**"))
    header = ("Layer", "Positions", "Pixels", "Blocks", "Groups", "last", "fetch", "issue", "wait", "tail", "total")
    return markdown(header, rows)


def _depthwise(
    inputs: tuple[int, int], outputs: tuple[int, int], channels: int, stride: int, start: int
) -> DepthwisePlan:
    """A 3x3 depthwise layer on the example with a depthwise engine."""
    one = example_plan((*inputs, 1), (*outputs, 1), (3, 3), stride, (start, start)).convolution
    places = [
        {"pixel_elements": channels, "output_elements": channels, "first_channel": n, "first_output": n}
        for n in range(channels)
    ]
    accelerator = replace(EXAMPLE, depthwise=DepthwiseParameters())
    return DepthwisePlan(accelerator, tuple(replace(one, **place) for place in places))


DEPTHWISE = {
    "depthwise": _depthwise((25, 5), (25, 5), 64, 1, -1),
    "strided": _depthwise((48, 48), (24, 24), 16, 2, 0),
    "partial": _depthwise((25, 5), (25, 5), 12, 1, -1),
    "pixels": _depthwise((1, 1), (1, 1), 32, 1, -1),
}
"""The depthwise layers of the keyword spotting model, one of stride 2, one of a block and a half, one of one pixel."""


def _cycles_depthwise() -> str:
    rows = []
    for name, plan in DEPTHWISE.items():
        c, pixels = plan.cycles(), plan.channels[0].pixels
        groups = [plan.block_groups(block) for block in (0, plan.blocks - 1)]
        parts = (c.fetch, c.load, c.issue, c.wait, c.tail, f"**{c.total}**")
        rows.append((f"`{name}`", plan.steps, pixels, plan.blocks, *groups, *parts))
    header = ("Layer", "Steps", "Pixels", "Blocks", "Groups", "last", "fetch", "load", "issue", "wait", "tail", "total")
    return markdown(header, rows)


def _project() -> str:
    schema = project_schema()
    rows = [(f"`{name}`", *_key(schema, schema["properties"][name])) for name in ("model", "data")]
    for section, entry in schema["properties"].items():
        engine = next((choice for choice in entry.get("anyOf", ()) if "$ref" in choice), None)
        if engine is not None:
            rows.append((f"`{section}`", *_key(schema, entry)))
        if reference := (engine or entry).get("$ref"):
            rows += _section_rows(schema, section, reference)
    return markdown(("Key", "Default", "Allowed", "Meaning"), rows)


def _section_rows(schema: dict[str, Any], section: str, reference: str) -> list[tuple[str, str, str, str]]:
    """A row for each key of a section, and of the sections in it."""
    rows = []
    for name, key in schema["$defs"][reference.rsplit("/", 1)[1]]["properties"].items():
        if "$ref" in key:
            rows += _section_rows(schema, f"{section}.{name}", key["$ref"])
        elif "additionalProperties" in key:
            rows += _section_rows(schema, f"{section}.{name}.NAME", key["additionalProperties"]["$ref"])
        else:
            rows.append((f"`{section}.{name}`", *_key(schema, key)))
    return rows


def _key(schema: dict[str, object], key: dict[str, object]) -> tuple[str, str, str]:
    choices = key.get("anyOf", [key])
    assert isinstance(choices, list)
    allowed = []
    for choice in choices:
        if "enum" in choice or "const" in choice:
            allowed += [f"`{value}`" for value in choice.get("enum", [choice.get("const")])]
        elif "$ref" in choice:
            allowed.append("a mapping")
        elif choice["type"] == "integer":
            low, high = choice["minimum"], choice["maximum"]
            allowed.append(f"{low} to {high}" if low < high else f"{low}")
        elif choice["type"] == "number":
            allowed.append(f"{choice['minimum']:g} to {choice['maximum']:g}")
        elif choice["type"] == "boolean":
            allowed += ["`true`", "`false`"]
        else:
            allowed.append({"null": "`null`", "string": "path"}[choice["type"]])
    default = {None: "`null`", True: "`true`", False: "`false`"}
    value = key.get("default", "required")
    shown = default.get(value, str(value)) if value is None or isinstance(value, bool) else str(value)
    return shown, ", ".join(allowed), str(key["description"])


def _layers() -> str:
    rows = [(f"`{kind.__name__}`", ", ".join(f"`{field.name}`" for field in fields(kind))) for kind in layers.KINDS]
    return markdown(("Kind", "Fields"), rows)


def _metrics() -> str:
    rows = [(f"`{m.name}`", "more" if m.more_is_better else "less", m.meaning) for m in METRICS.values()]
    return markdown(("Name", "Better", "Meaning"), rows)


def _accuracy(study: str, zero_point: str) -> str:
    return markdown(accumulators.header(study), accumulators.rows(study, zero_point))


def _overflows() -> str:
    return markdown(accumulators.header("kws_clamping"), accumulators.counts("subtracted", range(18, 13, -1)))


def _coverage() -> str:
    alone, together = coverage(PROOF)
    rows = []
    for option, values in OPTIONS.items():
        shown = "; ".join(f"{value}: {alone[option, value]}" for value in values)
        rows.append((option, shown, min(together[pair] for pair in every_pair() if option in dict(pair))))
    return markdown(("Choice", f"Runs of {len(PROOF)} with each value", "With each value of another, at least"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "registers": _registers,
    "opcodes": _opcodes,
    "spaces": _spaces,
    "descriptor": partial(_descriptor, isa.Opcode.CONV),
    "descriptor_depthwise": partial(_descriptor, isa.Opcode.DWCONV),
    "descriptor_pooling": partial(_descriptor, isa.Opcode.POOL),
    "descriptor_elementwise": partial(_descriptor, isa.Opcode.ADD),
    "descriptor_table": partial(_descriptor, isa.Opcode.TABLE),
    "record": _record,
    "ports": _ports,
    "beat": _beat,
    "latencies": _latencies,
    "jobs": _jobs,
    "cycles": _cycles,
    "cycles_depthwise": _cycles_depthwise,
    "cycles_pooling": _cycles_pooling,
    "project": _project,
    "metrics": _metrics,
    "layers": _layers,
    "accuracy_subtracted": partial(_accuracy, "kws_clamping", "subtracted"),
    "accuracy_folded": partial(_accuracy, "kws_clamping", "folded"),
    "accuracy_psums": partial(_accuracy, "kws_psums", "subtracted"),
    "overflows": _overflows,
    "coverage": _coverage,
}


def tables_of(text: str) -> list[tuple[str, str]]:
    """(name, text) of the tables in a page."""
    return [(match[2], match[3]) for match in _BLOCK.finditer(text)]


def renewed(text: str) -> str:
    """The page with its tables written anew."""
    return _BLOCK.sub(lambda match: match[1] + TABLES[match[2]]() + match[4], text)


def pages() -> list[Path]:
    """Every page."""
    return sorted(DOCS.rglob("*.md"))


if __name__ == "__main__":
    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"rewrote the tables of {page.relative_to(DOCS)}")
