"""``hwq init``: a commented project for a model, with memories and widths that just hold it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, InputZeroPoint, WeightPacking
from hwq.cli import console, exit_codes
from hwq.config.project import load_project
from hwq.config.writing import yaml_text
from hwq.errors import ConfigError
from hwq.export.files import writing
from hwq.frontends import load
from hwq.frontends.samples import open_samples
from hwq.graph.network import Network
from hwq.graph.shapes import weight_bytes
from hwq.schedule.sizing import fitted
from hwq.verify.design import Design, lower_design

_DEFAULT = Path("project.yaml")


@dataclass(frozen=True)
class _Line:
    """A key, its value, and why it has it."""

    key: str
    value: object
    why: str


def command(
    model: Annotated[Path | None, typer.Argument(help="A .tflite or .hwq file.", show_default=False)] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The project to write.")] = _DEFAULT,
    data: Annotated[Path | None, typer.Option("--data", help="Samples of the network's input, .npz.")] = None,
    rows: Annotated[int | None, typer.Option("--rows", help="Rows of the array; 8 without it.")] = None,
    columns: Annotated[int | None, typer.Option("--columns", help="Columns of the array; as the rows.")] = None,
    subtracted: Annotated[
        bool, typer.Option("--subtracted", help="Operands less their zero-point, one bit wider, not folded.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> int:
    """Write a project for a model: every key with why it has its value.

    Memories and widths are the smallest that hold the network. Without a model it asks, where it can.
    """
    if model is None:
        model, data, rows = _asked(data, rows)
    if output.exists() and not force:
        raise ConfigError(f"{output} exists; give another name with -o, or --force to replace it")
    network = load(model)
    if data is not None:
        open_samples(data, network)
    rows = 8 if rows is None else rows
    zero_point = InputZeroPoint.SUBTRACTED if subtracted else InputZeroPoint.FOLDED
    array = ArrayParameters(rows, rows if columns is None else columns)
    accelerator = fitted(network, Accelerator(array, ArithmeticParameters(input_zero_point=zero_point)))
    design = lower_design(network, accelerator)
    text = _text(network, accelerator, design, _relative(model, output), _relative(data, output))
    with writing(output):
        output.write_text(text, encoding="utf-8")
    load_project(output)
    _show(design, output, as_json)
    return exit_codes.GOOD


def _asked(data: Path | None, rows: int | None) -> tuple[Path, Path | None, int | None]:
    """Model, data and rows, from whoever sits there."""
    if not sys.stdin.isatty():
        raise ConfigError("no model given; say hwq init MODEL, or run it in a terminal to be asked")
    model = Path(typer.prompt("Model (.tflite or .hwq)"))
    if data is None:
        given = typer.prompt("Samples of its input (.npz; empty: none)", default="", show_default=False)
        data = Path(given) if given else None
    if rows is None:
        rows = typer.prompt("Rows and columns of the array", default=8, type=int)
    return model, data, rows


def _relative(path: Path | None, output: Path) -> str | None:
    """A path as the project at ``output`` names it."""
    return None if path is None else Path(os.path.relpath(path, output.parent)).as_posix()


def _text(network: Network, a: Accelerator, design: Design, model: str | None, data: str | None) -> str:
    weights = sum(map(weight_bytes, network.layers))
    cycles = design.program.network.predicted_cycles if design.program.network else None
    arithmetic, buffers = a.arithmetic, a.buffers
    fastest = f"; the network takes {cycles:,} cycles" if cycles else ""
    sections: dict[str, list[_Line]] = {
        "array": [
            _Line("rows", a.array.rows, "reduction: input elements per cycle"),
            _Line("columns", a.array.columns, "output channels side by side" + fastest),
        ],
        "arithmetic": [
            _Line("contract", arithmetic.contract.value, "the bits of TFLite Micro"),
            _Line("input_zero_point", arithmetic.input_zero_point.value, _FORMS[arithmetic.input_zero_point]),
            _Line("activation_bits", arithmetic.activation_bits, "of the widest tensor"),
            _Line("weight_bits", arithmetic.weight_bits, "of the widest weights"),
            _Line("weight_packing", arithmetic.weight_packing.value, _PACKINGS[arithmetic.weight_packing]),
            _Line("accumulator_bits", arithmetic.accumulator_bits, "the most that a layer's sums need"),
        ],
        "requantizer": [
            _Line("lanes", a.lanes, "channels per cycle; half the columns hides it behind the array"),
            _Line("max_left_shift", a.requantizer.max_left_shift, "0 where every scale is below 1"),
        ],
        "buffers": [
            _Line("activations", buffers.activations, "elements: all tensors that live at once"),
            _Line("weights", buffers.weights, f"weights, whole tiles; the network has {weights:,}"),
            _Line("channels", buffers.channels, "output channels of all layers, rounded up to whole array columns"),
            _Line("descriptors", buffers.descriptors, "one for each layer or group of it, and END"),
            _Line("accumulators", buffers.accumulators, "output pixels in each of two banks"),
        ],
    }
    lines = [f"# {network.name}, array of {a.array.rows}x{a.array.columns}; hwq schema has every key there is.", ""]
    lines += _lines([_Line("model", model, ""), *([_Line("data", data, "")] if data else [])], "")
    for section, keys in sections.items():
        lines += ["", f"{section}:", *_lines(keys, "  ")]
    lines += [
        "",
        "# Built where the network needs them; none leaves their layers to the array or the host.",
    ]
    for engine in ("depthwise", "pooling", "elementwise", "table"):
        lines.append(f"{engine}: auto")
    return "\n".join(lines) + "\n"


_PACKINGS = {
    WeightPacking.NONE: "no layer's weights are narrow enough to share a place of memory",
    WeightPacking.LAYER: "narrow layers have several weights in a place of memory",
}

_FORMS = {
    InputZeroPoint.FOLDED: "the array multiplies raw codes, and the bias takes in the zero-point",
    InputZeroPoint.SUBTRACTED: "the array multiplies codes less their zero-point, one bit wider",
}


def _lines(keys: list[_Line], indent: str) -> list[str]:
    return [f"{indent}{yaml_text({k.key: k.value}).rstrip()}" + (f" # {k.why}" if k.why else "") for k in keys]


def _show(design: Design, output: Path, as_json: bool) -> None:
    program = design.program
    cycles = program.network.predicted_cycles if program.network else None
    host = [found.layer.name for found in design.host]
    if as_json:
        facts: dict[str, Any] = {
            "project": str(output),
            "layers": len(design.layers),
            "host_layers": host,
            "predicted_cycles": cycles,
            "multipliers": program.accelerator.array.rows * program.accelerator.array.columns,
        }
        console.print_json(facts)
        return
    out = console.output()
    out.print(f"{output}: {len(design.layers)} layers on chip" + (f", {cycles:,} cycles as a whole" if cycles else ""))
    if host:
        out.print(f"left to the host: {', '.join(host)}")
    out.print(f"next: hwq gen {output} -o build, hwq verify {output}")
