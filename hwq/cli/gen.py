"""``hwq gen``: the accelerator of a project, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from hwq.cli import console
from hwq.cli.inputs import named_path
from hwq.cli.phases import phases
from hwq.cli.projects import open_design, project_samples
from hwq.cli.sources import Seed
from hwq.export.package import Package, write_package
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest instead of tables.")] = False,
) -> int:
    """Write Verilog, memory images, manifest, C header and a self-checking testbench.

    The same project and tools give the same files, byte for byte.
    """
    with phases() as show:
        show("reading")
        opened = open_design(project)
        x, origin = project_samples(opened, data, 1, seed)
        show("writing Verilog")
        vectors = [vector.first() for vector in golden_vectors(opened.design, x)]
        package = write_package(opened.design.program, opened.design.network, output, opened.inputs, vectors)
    if as_json:
        console.print_json(package.manifest)
    else:
        _print(package, opened.design, origin)
    return 0


def layer_table(design: Design, *, addresses: bool) -> Table:
    """What each layer computes and costs, and, if asked for, the addresses of its input and output."""
    table = console.table()
    for header in ("Layer", "Input", "Output"):
        table.add_column(header, no_wrap=True)
    for header in ("MACs", "Passes", "Cycles", "Use", *(["At word"] if addresses else [])):
        table.add_column(header, justify="right", no_wrap=True)
    word = design.program.accelerator.word
    for node, layer in zip(design.layers, design.program.layers, strict=True):
        table.add_row(
            layer.name,
            _shape(design, node.inputs[0]),
            _shape(design, node.output),
            f"{layer.macs:,}",
            f"{layer.passes:,}",
            f"{layer.predicted_cycles:,}",
            f"{layer.utilization:.1%}",
            *([f"{layer.input_base // word}, {layer.output_base // word}"] if addresses else []),
        )
    macs = sum(layer.macs for layer in design.program.layers)
    cycles = sum(layer.predicted_cycles for layer in design.program.layers)
    table.add_section()
    table.add_row("all", "", "", f"{macs:,}", "", f"{cycles:,}")
    return table


def _shape(design: Design, tensor: str) -> str:
    return "x".join(map(str, design.network.tensors[tensor].shape))


def _print(package: Package, design: Design, origin: str) -> None:
    out = console.output()
    out.print(layer_table(design, addresses=True))
    out.print()
    memories = console.table()
    memories.add_column("Memory", no_wrap=True)
    for header in ("Words", "Used", "Word", "Bytes", "Used"):
        memories.add_column(header, justify="right", no_wrap=True)
    for name, memory in package.manifest["memories"].items():
        words, used, bits = memory["words"], memory["used"], memory["word_bits"]
        size = words * bits // 8
        memories.add_row(name, f"{words:,}", f"{used:,}", f"{bits} bits", f"{size:,}", f"{used / words:.0%}")
    out.print(memories)
    out.print()
    if design.others:
        out.print(f"Not on the array: {', '.join(layer.name for layer in design.others)}", soft_wrap=True)
    root = package.root
    out.print(f"Verilog    {root / 'rtl'}", soft_wrap=True)
    out.print(f"Manifest   {root / 'manifest.json'}", soft_wrap=True)
    out.print(f"Testbench  {root / 'tb'} (vectors: {origin})", soft_wrap=True)
