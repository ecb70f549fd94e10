"""``hwq gen``: the accelerator of a project, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hwq.cli import console
from hwq.cli.phases import phases
from hwq.cli.projects import choose_samples, open_design
from hwq.export.package import Package, write_package
from hwq.verify.vectors import golden_vectors


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT.yaml", help="The project.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the files go.")],
    data: Annotated[
        Path | None, typer.Option(metavar="X.npz", help="Samples; the first one becomes the testbench's vectors.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the testbench's random vectors, where there are no samples.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest instead of tables.")] = False,
) -> int:
    """Write Verilog, memory images, manifest, C header and a self-checking testbench.

    The same project and tools give the same files, byte for byte.
    """
    with phases() as show:
        show("reading")
        opened = open_design(project)
        x, origin = choose_samples(opened, data, 1, seed)
        show("writing Verilog")
        vectors = [vector.first() for vector in golden_vectors(opened.design, x)]
        package = write_package(opened.design.program, opened.design.network, output, opened.inputs, vectors)
    if as_json:
        console.print_json(package.manifest)
    else:
        _print(package, [layer.name for layer in opened.design.others], origin)
    return 0


def _print(package: Package, others: list[str], origin: str) -> None:
    out, manifest = console.output(), package.manifest
    table = console.table()
    for header in ("Layer", "Input", "Output"):
        table.add_column(header, no_wrap=True)
    for header in ("MACs", "Passes", "Cycles", "Use", "At word"):
        table.add_column(header, justify="right", no_wrap=True)
    for layer in manifest["layers"]:
        table.add_row(*_layer_cells(layer, manifest["derived"]["word_elements"]))
    macs = sum(layer["macs"] for layer in manifest["layers"])
    cycles = sum(layer["predicted_cycles"] for layer in manifest["layers"])
    table.add_section()
    table.add_row("all", "", "", f"{macs:,}", "", f"{cycles:,}", "", "")
    out.print(table)
    out.print()
    memories = console.table()
    memories.add_column("Memory", no_wrap=True)
    for header in ("Words", "Used", "Word", "Bytes", "Used"):
        memories.add_column(header, justify="right", no_wrap=True)
    for name, memory in manifest["memories"].items():
        words, used, bits = memory["words"], memory["used"], memory["word_bits"]
        size = words * bits // 8
        memories.add_row(name, f"{words:,}", f"{used:,}", f"{bits} bits", f"{size:,}", f"{used / words:.0%}")
    out.print(memories)
    out.print()
    if others:
        out.print(f"Not on the array: {', '.join(others)}", soft_wrap=True)
    root = package.root
    out.print(f"Verilog    {root / 'rtl'}", soft_wrap=True)
    out.print(f"Manifest   {root / 'manifest.json'}", soft_wrap=True)
    out.print(f"Testbench  {root / 'tb'} (vectors: {origin})", soft_wrap=True)


def _layer_cells(layer: dict[str, Any], word: int) -> tuple[str, ...]:
    return (
        layer["name"],
        "x".join(map(str, layer["input"]["shape"])),
        "x".join(map(str, layer["output"]["shape"])),
        f"{layer['macs']:,}",
        f"{layer['passes']:,}",
        f"{layer['predicted_cycles']:,}",
        f"{layer['utilization']:.1%}",
        f"{layer['input']['address'] // word}, {layer['output']['address'] // word}",
    )
