"""``hwq gen``: the accelerator of a project, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, RenderableType

from hwq.certify.reach import accumulator_reach, psum_reach
from hwq.certify.terms import Terms
from hwq.cli import console, hls
from hwq.cli.inputs import named_path
from hwq.cli.phases import phases
from hwq.cli.projects import open_design, project_samples
from hwq.cli.sources import Seed
from hwq.cli.tables import Column, Row, fitted
from hwq.export.package import Package, write_package
from hwq.graph.layers import WeightedLayer
from hwq.hls.flavors import Flavor
from hwq.schedule.order import ordered_sums
from hwq.schedule.planning import reasons
from hwq.schedule.runs import Run
from hwq.verify.design import Design
from hwq.verify.vectors import golden_vectors


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT.yaml", help="The project.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", parser=named_path, help="Where the files go.")
    ],
    data: Annotated[
        Path | None, typer.Option(metavar="X.npz", help="Samples; the first one becomes the testbench's vectors.")
    ] = None,
    seed: Seed = 0,
    flavor: Annotated[
        Flavor | None, typer.Option("--hls", help="Write C++ for high-level synthesis instead, in these types.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest instead of tables.")] = False,
) -> int:
    """Write Verilog, memory images, manifest, C header and a self-checking testbench; or, with --hls, C++.

    The same project and tools give the same files, byte for byte.
    """
    if flavor is not None:
        return hls.generate(project, output, data, seed, flavor, as_json)
    with phases() as show:
        show("reading")
        opened = open_design(project)
        x, origin = project_samples(opened, data, 1, seed)
        show("writing Verilog")
        vectors = [vector.first() for vector in golden_vectors(opened.design, x)]
        package = write_package(opened.design.program, output, opened.inputs, vectors)
    if as_json:
        console.print_json(package.manifest)
    else:
        _print(package, opened.design, origin)
    return 0


def layer_table(design: Design, out: Console, *, addresses: bool, width: int | None = None) -> RenderableType:
    """What each layer computes and costs, and, if asked for, the addresses of its input and output."""
    columns = [
        Column("Layer"),
        Column("Engine", drop=6),
        Column("Input", drop=3),
        Column("Output", drop=2),
        Column("MACs", right=True, drop=1),
        Column("Passes", right=True, drop=5),
        Column("Cycles", right=True),
        Column("Use", right=True),
        *([Column("At word", right=True, drop=4)] if addresses else []),
    ]
    word = design.program.accelerator.word
    rows = [
        Row(
            (
                layer.name,
                layer.steps[0].engine,
                "+".join(dict.fromkeys(_shape(design, name) for name in node.inputs)),
                _shape(design, node.output),
                f"{layer.macs:,}" if layer.macs else "",
                f"{layer.steps[0].passes:,}" if layer.steps[0].passes else "",
                f"{layer.predicted_cycles:,}",
                f"{layer.utilization:.1%}" if layer.macs else "",
                *([_words(layer, word)] if addresses else []),
            )
        )
        for node, layer in zip(design.layers, design.program.layers, strict=True)
    ]
    macs = sum(layer.macs for layer in design.program.layers)
    cycles = sum(layer.predicted_cycles for layer in design.program.layers)
    totals = ("all", "", "", "", f"{macs:,}", "", f"{cycles:,}", "", "")
    return fitted(columns, [*rows, Row(totals[: len(columns)], section=True)], out, width)


_MEMORY_COLUMNS = (
    Column("Memory"),
    Column("Words", right=True),
    Column("Used", right=True, drop=1),
    Column("Word", right=True, drop=2),
    Column("Bytes", right=True, drop=3),
    Column("Used", right=True),
)


def _words(run: Run, word: int) -> str:
    return ", ".join(str(placed.base // word) for placed in (*run.inputs, run.output))


def _shape(design: Design, tensor: str) -> str:
    return "x".join(map(str, design.network.tensors[tensor].shape))


def _overflow_lines(design: Design) -> list[str]:
    """Where overflow is a choice, a line for each layer whose sums could leave their width; `hwq certify` says more."""
    accelerator = design.program.accelerator
    if not accelerator.may_overflow:
        return []
    what = accelerator.arithmetic.overflow.value
    lines = []
    for name, how in ordered_sums(design.network, accelerator).items():
        layer = design.network.layer(name)
        assert isinstance(layer, WeightedLayer)
        terms = Terms(design.network, layer, how)
        psum, spec = psum_reach(terms), how.accumulation
        told = [("accumulator_bits", accumulator_reach(terms).bits, spec.accumulator_bits)]
        if psum is not None and spec.psum_bits is not None:
            told.insert(0, ("psum_bits", psum.bits, spec.psum_bits))
        beyond = [f"{need} bits for {key} {have}" for key, need, have in told if need > have]
        if beyond:
            lines.append(f"{name} may overflow ({what}): its sums reach {' and '.join(beyond)}")
    return lines or [f"No sum can leave its width; overflow is {what}"]


def _print(package: Package, design: Design, origin: str) -> None:
    out = console.output()
    out.print(layer_table(design, out, addresses=True))
    out.print()
    memories = []
    for name, memory in package.manifest["memories"].items():
        words, used, bits = memory["words"], memory["used"], memory["word_bits"]
        size = words * bits // 8
        cells = (name, f"{words:,}", f"{used:,}", f"{bits} bits", f"{size:,}", f"{used / words:.0%}")
        memories.append(Row(cells))
    out.print(fitted(_MEMORY_COLUMNS, memories, out))
    out.print()
    for line in reasons(design.assigned):
        console.say(line)
    for line in _overflow_lines(design):
        console.say(line)
    root = package.root
    out.print(f"Verilog    {root / 'rtl'}", soft_wrap=True)
    out.print(f"Manifest   {root / 'manifest.json'}", soft_wrap=True)
    out.print(f"Testbench  {root / 'tb'} (vectors: {origin})", soft_wrap=True)
