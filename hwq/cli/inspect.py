"""``hwq inspect``: a model's layers and what they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hwq.arch.parameters import InputZeroPoint
from hwq.cli import console
from hwq.cli.inputs import Target, open_target
from hwq.cli.inspection import LayerFigures, NetworkFigures, inspect_network
from hwq.cli.tables import Column, Row, fitted
from hwq.schedule.planning import reasons


def command(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A .tflite model, one saved by hwq, or a project's .yaml.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Show a model's layers: shapes, MACs, parameters, quantization and accumulator bits.

    Accumulator bits hold every partial sum of a layer's MACs, in any order, before the bias. A bare model is taken with
    the input's zero-point subtracted, a project with its own arithmetic.input_zero_point; a project also says which
    engine runs each layer.
    """
    target = open_target(model)
    form = InputZeroPoint.SUBTRACTED
    if target.project is not None:
        form = target.project.accelerator.arithmetic.input_zero_point
    figures = inspect_network(target.network, form)
    if as_json:
        told = asdict(figures)
        for layer in told["layers"]:
            found = target.assigned.get(layer["name"])
            layer["engine"] = None if found is None else found.place
            layer["engine_reason"] = None if found is None else found.reason
        console.print_json({"model": str(target.model), **told})
    else:
        _print(target, figures)


def _print(target: Target, figures: NetworkFigures) -> None:
    out = console.output()
    out.print(Text(figures.name, style="bold"), Text(str(target.model), style="dim"), soft_wrap=True)
    for side in ("input", "output"):
        facts = getattr(figures, side)
        out.print(
            f"{side:<7}{facts['type']} {_size(facts['shape'])}, "
            f"scale {facts['scale']:.6g}, zero-point {facts['zero_point']}"
        )
    out.print()
    assigned = target.assigned
    columns = [*_COLUMNS[:1], Column("Engine", drop=1), *_COLUMNS[1:]] if assigned else list(_COLUMNS)

    def row(cells: Sequence[Text | str], engine: str) -> list[Text | str]:
        return [*cells[:1], engine, *cells[1:]] if assigned else [*cells]

    rows = [Row(row(_cells(layer), assigned[layer.name].place if assigned else "")) for layer in figures.layers]
    totals: list[Text] = [
        Text(text, style="bold")
        for text in (
            f"{len(figures.layers)} layers",
            "",
            "",
            f"{figures.macs:,}",
            f"{figures.parameter_bytes:,}",
            "",
            "",
            str(figures.accumulator_bits or ""),
        )
    ]
    out.print(fitted(columns, [*rows, Row(row(totals, ""), section=True)], out))
    out.print()
    for line in reasons(assigned.values()):
        console.say(line)
    out.print(
        f"{figures.weights:,} weights, at most {figures.peak_activation_bytes:,} bytes of activations live at once"
    )
    out.print(
        "Bytes: weights and 32-bit biases. Scales: of the weights, one per channel or per tensor. Zeros: zero-points, "
        f"input→output. Acc: accumulator bits for the MACs, input zero-point {figures.input_zero_point}.",
        style="dim",
    )


_COLUMNS = (
    Column("Layer"),
    Column("Operator", drop=2),
    Column("Shapes", drop=3),
    Column("MACs", right=True),
    Column("Bytes", right=True, drop=4),
    Column("Scales", drop=5),
    Column("Zeros", right=True, drop=6),
    Column("Acc", right=True),
)

_OPERATORS = {"conv2d": "conv", "depthwiseconv2d": "depthwise", "pool2d": "pool"}


def _cells(layer: LayerFigures) -> tuple[str, ...]:
    operator = _OPERATORS.get(layer.op, layer.op)
    if layer.kernel is not None:
        operator += f" {_size(layer.kernel)}"
        if layer.stride is not None and layer.stride != (1, 1):
            same = layer.stride[0] == layer.stride[1]
            operator += f"/{layer.stride[0] if same else _size(layer.stride)}"
    shapes = f"{'+'.join(dict.fromkeys(_size(shape) for shape in layer.input_shapes))}→{_size(layer.output_shape)}"
    zero_points = f"{','.join(map(str, layer.input_zero_points))}→{layer.output_zero_point}"
    return (
        layer.name,
        operator,
        shapes,
        f"{layer.macs:,}" if layer.macs else "",
        f"{layer.parameter_bytes:,}" if layer.parameter_bytes else "",
        layer.weight_scales or "",
        zero_points,
        str(layer.accumulator_bits or ""),
    )


def _size(shape: tuple[int, ...] | list[int]) -> str:
    return "x".join(map(str, shape)) or "1"
