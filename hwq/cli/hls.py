"""What ``hwq gen --hls`` does: a project as C++."""

from __future__ import annotations

from pathlib import Path

from hwq.cli import console
from hwq.cli.phases import phases
from hwq.cli.projects import ProjectNetwork, open_project, project_samples
from hwq.cli.tables import Column, Row, fitted
from hwq.errors import ConfigError
from hwq.hls.emission import trips, write_project
from hwq.hls.flavors import Flavor
from hwq.hls.source import LayerCode, Source
from hwq.verify.hls import HlsDesign, hls_design


def open_hls(path: Path) -> tuple[ProjectNetwork, HlsDesign]:
    """Read a project, and put its network into C++.

    Raises
    ------
    ConfigError
        The file is no project, or the network cannot be exported; the message names the file.
    """
    opened = open_project(path)
    try:
        return opened, hls_design(opened.network, opened.accelerator)
    except ConfigError as error:
        lines = str(error).splitlines()
        raise ConfigError("\n".join(f"{path}: {line}" for line in lines)) from None


def generate(project: Path, output: Path, data: Path | None, seed: int, flavor: Flavor, as_json: bool) -> int:
    """Write the C++ of ``project`` to ``output``; returns the exit code."""
    with phases() as show:
        show("reading")
        opened, design = open_hls(project)
        x, origin = project_samples(opened, data, 1, seed)
        show("writing C++")
        hashes = write_project(design.source, flavor, design.vectors(x), output)
    if as_json:
        console.print_json(_json(opened, design.source, flavor, hashes))
    else:
        _print(design.source, output, origin)
    return 0


def _json(opened: ProjectNetwork, source: Source, flavor: Flavor, hashes: dict[str, str]) -> dict[str, object]:
    return {
        "hls": flavor.value,
        "top": source.top,
        "inputs": opened.inputs,
        "interval": source.interval,
        "layers": [
            {
                "name": layer.layer,
                "function": f"layers::{layer.name}",
                "op": layer.op,
                "macs": layer.macs,
                "rows": layer.rows,
                "columns": layer.columns,
                "cycles": layer.cycles,
                "loops": [{**vars(loop), "cycles": loop.cycles} for loop in layer.computation.loops],
            }
            for layer in source.layers
        ],
        "files": hashes,
    }


_COLUMNS = (
    Column("Layer"),
    Column("Function", drop=4),
    Column("Input", drop=2),
    Column("Output", drop=1),
    Column("MACs", right=True, drop=3),
    Column("Rows", right=True),
    Column("Columns", right=True),
)


_LOOP_COLUMNS = (
    Column("Layer"),
    Column("Loop"),
    Column("Trips", drop=1),
    Column("II", right=True),
    Column("Cycles", right=True),
)


def _print(source: Source, output: Path, origin: str) -> None:
    out = console.output()
    out.print(fitted(_COLUMNS, [Row(_cells(layer)) for layer in source.layers], out))
    out.print()
    loops = [
        Row(("" if number else layer.layer, loop.name, trips(loop), str(loop.interval), f"{loop.cycles:,}"))
        for layer in source.layers
        for number, loop in enumerate(layer.computation.loops)
    ]
    out.print(fitted(_LOOP_COLUMNS, loops, out))
    out.print()
    console.say(f"A sample every {source.interval:,} cycles, where every II is kept; the filling of pipelines apart.")
    out.print(f"C++        {output / 'src'}, top function {source.top}", soft_wrap=True)
    out.print(f"Testbench  {output / 'tb'} (vectors: {origin}); make -C {output} test runs it", soft_wrap=True)


def _cells(layer: LayerCode) -> tuple[str, ...]:
    return (
        layer.layer,
        f"layers::{layer.name}",
        "+".join(dict.fromkeys("x".join(map(str, tensor.shape)) for tensor in layer.inputs)),
        "x".join(map(str, layer.output.shape)),
        f"{layer.macs:,}" if layer.macs else "",
        "" if layer.rows is None else str(layer.rows),
        "" if layer.columns is None else str(layer.columns),
    )
