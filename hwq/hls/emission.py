"""The files of a C++ project: library, constants, network, testbench, vectors, Makefile, README."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import jinja2
import numpy as np
from numpy.typing import NDArray

from hwq.export.files import OutputDirectory
from hwq.hls import layout
from hwq.hls.flavors import VENDORS, Flavor
from hwq.hls.source import LayerCode, Loop, Source, TensorCode
from hwq.schedule.runs import WHOLE

#: Codes [samples, ...] of the network's tensors by name.
Vectors = Mapping[str, NDArray[np.integer]]

BENCH = "build/testbench"
"""What the Makefile makes."""


def write_project(source: Source, flavor: Flavor, vectors: Vectors, root: Path) -> dict[str, str]:
    """Write the C++ of a network and its testbench to ``root``.

    Parameters
    ----------
    source:
        From `assemble`.
    flavor:
        Whose types.
    vectors:
        What every tensor of the network holds, as the emulator computes it.
    root:
        Folder; it is made, and files of the same names are replaced.

    Returns
    -------
    SHA-256 of each file by its path below ``root``.

    Raises
    ------
    DataError
        When a file cannot be written.
    """
    return write_files({**project_files(source, flavor), **vector_files(source, vectors)}, root)


def write_files(files: Mapping[str, str], root: Path) -> dict[str, str]:
    """Write texts by their path below ``root``; returns the SHA-256 of each.

    Raises
    ------
    DataError
        When a file cannot be written.
    """
    out = OutputDirectory(root)
    for name, text in files.items():
        out.write(name, text)
    return out.hashes


def vector_files(source: Source, vectors: Vectors) -> dict[str, str]:
    """Text of the file of each tensor, by its path: a line for each sample."""
    return {f"tb/vectors/{tensor.name}.txt": _lines(vectors[tensor.tensor]) for tensor in source.tensors}


def _lines(codes: NDArray[np.integer]) -> str:
    return "".join(" ".join(map(str, sample)) + "\n" for sample in codes.reshape(len(codes), -1).tolist())


def project_files(source: Source, flavor: Flavor) -> dict[str, str]:
    """Text of each file but the vectors, by its path; arguments as those of `write_project`."""
    templates = resources.files("hwq.hls") / "templates"
    files = {
        f"include/{header.name}": header.read_text(encoding="utf-8")
        for folder in ("include", flavor.value)
        for header in sorted((templates / folder).iterdir(), key=lambda entry: entry.name)
        if header.name.endswith(".h")
    }
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (templates / name).read_text(encoding="utf-8")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "shape": _shape,
        "summary": _summary,
        "signature": _signature,
        "top_signature": _top_signature,
        "statements": _statements,
        "call": layout.call,
    }

    def render(template: str, **values: object) -> str:
        return environment.get_template(template).render(
            source=source, whole=WHOLE, bench=BENCH, vendor=VENDORS.get(flavor), **values
        )

    headers = sorted({header for layer in source.layers for header in layer.computation.headers})
    files[f"src/{source.top}.h"] = render("project/top.h.j2")
    constants = {layer.name: layer for layer in source.layers if layer.computation.spec or layer.computation.constants}
    names = sorted(constants, key=lambda name: f"{name}.h")
    files[f"src/{source.top}.cpp"] = render("project/top.cpp.j2", headers=headers, constants=names)
    for name in names:
        files[f"src/constants/{name}.h"] = render("project/constants.h.j2", layer=constants[name])
    files[f"tb/{source.top}_tb.cpp"] = render("project/bench.cpp.j2")
    files[".clang-format"] = render("project/clang-format.j2")
    files["Makefile"] = render("project/Makefile.j2")
    files["README.md"] = render(
        "project/README.md.j2", table=_table(source), loops=_loops(source), slowest=f"{source.interval:,}"
    )
    if flavor in VENDORS:
        files["build.tcl"] = render(f"{flavor.value}/build.tcl.j2")
    return files


def _shape(tensor: TensorCode) -> str:
    return "x".join(map(str, tensor.shape or (1,)))


def _summary(layer: LayerCode) -> str:
    inputs = ", ".join(_shape(tensor) for tensor in layer.inputs)
    work = f", {layer.macs:,} MACs" if layer.macs else ""
    return f"{layer.op}: {inputs} -> {_shape(layer.output)}{work}"


def _signature(layer: LayerCode) -> str:
    streams = [*zip(layer.inputs, layer.parameters, strict=True), (layer.output, "y")]
    return layout.signature(layer.name, [f"hwq::stream<{tensor.type}>& {name}" for tensor, name in streams])


def _top_signature(source: Source) -> str:
    ports = ((source.input, "input"), (source.output, "output"))
    return layout.signature(source.top, [f"hwq::stream<{tensor.type}>& {name}" for tensor, name in ports])


def _statements(layer: LayerCode) -> list[str]:
    computation = layer.computation
    if not computation.template:
        return list(computation.body)
    spec = f"<constants::{layer.name}::spec>" if computation.spec else ""
    names = [constant.declaration.split()[-1].split("[")[0] for constant in computation.constants]
    streams = [*(computation.streams or layer.parameters), "y"]
    arguments = [*streams, *(f"constants::{layer.name}::{name}" for name in names)]
    return [*computation.body, f"hwq::{computation.template}{spec}({', '.join(arguments)});"]


def _table(source: Source) -> list[str]:
    """Layers, as a table of the README."""
    rows = ["| layer | computes | header | rows | columns |", "|---|---|---|--:|--:|"]
    for layer in source.layers:
        side_by_side = ["" if number is None else str(number) for number in (layer.rows, layer.columns)]
        cells = [f"`{layer.name}`", _summary(layer), f"`{layer.computation.headers[0]}`", *side_by_side]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def _loops(source: Source) -> list[str]:
    """Pipelined loops, as a table of the README."""
    rows = ["| layer | loop | trips | II | cycles |", "|---|---|---|--:|--:|"]
    for layer in source.layers:
        for loop in layer.computation.loops:
            cells = [f"`{layer.name}`", loop.name, trips(loop), str(loop.interval), f"{loop.cycles:,}"]
            rows.append(f"| {' | '.join(cells)} |")
        if len(layer.computation.loops) > 1:
            rows.append(f"| `{layer.name}` | all | | | {layer.cycles:,} |")
    return rows


def trips(loop: Loop) -> str:
    """Trip counts as people read them, the outermost loop's first."""
    return " x ".join(map(str, loop.trips))
