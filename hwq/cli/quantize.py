"""``hwq quantize``: a quantized network from one of real numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from hwq.cli import console
from hwq.cli.inputs import named_path
from hwq.cli.tables import Column, Row, fitted
from hwq.config.document import read_document
from hwq.config.faults import Fault, config_error
from hwq.config.project import Project, load_project
from hwq.errors import ConfigError, DataError, ModelError
from hwq.floating.network import FloatNetwork
from hwq.frontends import load_float
from hwq.frontends.samples import FloatSampleFile, open_float_samples
from hwq.graph.files import save_network
from hwq.graph.layers import WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.bounds import code_bits
from hwq.quantize import quantize
from hwq.quantize.calibration import calibration_count
from hwq.quantize.evaluation import Evaluation, evaluate
from hwq.quantize.specification import require_supported


def command(
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT.yaml", help="A project whose model is a .tflite file of real numbers.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="NET.hwq", parser=named_path, help="Where the network goes.")
    ],
    data: Annotated[
        Path | None, typer.Option(metavar="X.npz", help="Samples instead of the project's: x [N, ...], real numbers.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Quantize a network of real numbers as the project's section quantization says, without labels.

    Ranges are found from the first samples of the data; the samples after them, where there are any, tell how many
    answers changed. The network that is written runs, generates and verifies like one read from an int8 model.
    """
    opened = load_project(project)
    spec = opened.quantization
    try:
        require_supported(spec)
    except ConfigError as error:
        raise _with_lines(project, error) from None
    network = _network(project, opened)
    samples = _samples(project, opened, data, network)
    try:
        count = calibration_count(spec, samples.count)
        with console.progress("calibrating", "samples") as report:
            quantized = quantize(network, samples, spec, report)
    except ConfigError as error:
        raise _with_lines(project, error) from None
    except (DataError, ModelError) as error:
        raise type(error)(f"{project}: {error}") from None
    output.parent.mkdir(parents=True, exist_ok=True)
    save_network(quantized, output)
    held_out = count if count < samples.count else 0
    with console.progress("comparing", "samples") as report:
        found = evaluate(network, quantized, samples, samples.labels, first=held_out, progress=report)
    if as_json:
        console.print_json(_json(quantized, output, samples, count, found, held_out > 0))
    else:
        _print(quantized, output, samples, count, found, held_out > 0)


def _with_lines(project: Path, error: ConfigError) -> ConfigError:
    document = read_document(project)
    faults = [Fault(document.line(tuple(path.split("."))), path, text) for path, text in error.faults]
    return config_error(project, faults)


def _network(path: Path, project: Project) -> FloatNetwork:
    try:
        return load_float(project.model)
    except ModelError as error:
        raise ModelError(f"{path}: model: {error}") from None


def _samples(path: Path, project: Project, data: Path | None, network: FloatNetwork) -> FloatSampleFile:
    chosen = data or project.data
    if chosen is None:
        raise ConfigError(f"{path}: data: is needed to find ranges: name an .npz file with x [N, ...], or give --data")
    return open_float_samples(chosen, network)


def _rows(network: Network) -> list[dict[str, Any]]:
    """What each layer became: widths, scales of the weights, and the output's scale, zero-point and range."""
    rows = []
    for layer in network.layers:
        output = network.tensors[layer.output].quantization
        scale, zero_point = float(output.scale[0]), int(output.zero_point[0])
        low, high = ((code - zero_point) * scale for code in (output.format.min, output.format.max))
        scales = bits = None
        if isinstance(layer, WeightedLayer):
            scales, bits = layer.weight_quantization.scale.size, code_bits(layer.values, signs=False)
        weights = {"weight_bits": bits, "weight_scales": scales}
        codes = {"output_bits": output.format.width, "scale": scale, "zero_point": zero_point, "low": low, "high": high}
        rows.append({"name": layer.name, "op": layer.op, **weights, **codes})
    return rows


def _json(
    network: Network, output: Path, samples: FloatSampleFile, count: int, found: Evaluation, held_out: bool
) -> dict[str, Any]:
    return {
        "network": str(output),
        "calibration_samples": count,
        "origin": samples.origin,
        "layers": _rows(network),
        "evaluation": {
            "samples": found.samples,
            "held_out": held_out,
            "agreement": found.agreement,
            "accuracy": found.accuracy,
            "float_accuracy": found.float_accuracy,
            # JSON has no infinity.
            "noise_ratio_db": round(found.noise_ratio, 3) if math.isfinite(found.noise_ratio) else None,
        },
    }


def _print(
    network: Network, output: Path, samples: FloatSampleFile, count: int, found: Evaluation, held_out: bool
) -> None:
    out = console.output()
    columns = (
        Column("Layer"),
        Column("Operator", drop=1),
        Column("Weight bits", right=True, drop=3),
        Column("Weight scales", right=True, drop=4),
        Column("Output bits", right=True, drop=3),
        Column("Output range", right=True),
        Column("Scale", right=True, drop=2),
        Column("Zero-point", right=True, drop=2),
    )
    rows = [
        Row(
            (
                row["name"],
                row["op"],
                "" if row["weight_bits"] is None else f"{row['weight_bits']}",
                "" if row["weight_scales"] is None else f"{row['weight_scales']}",
                f"{row['output_bits']}",
                f"{row['low']:.4g} to {row['high']:.4g}",
                f"{row['scale']:.6g}",
                f"{row['zero_point']}",
            )
        )
        for row in _rows(network)
    ]
    out.print(fitted(columns, rows, out))
    out.print()
    where = "after those" if held_out else "the same samples, for there are no others"
    lines = [
        ("calibration", f"{count:,} samples ({samples.origin})"),
        ("compared on", f"{found.samples:,} samples ({where})"),
        ("agreement", f"{found.agreement:.1%} have the float network's largest output"),
        ("noise ratio", f"{found.noise_ratio:.1f} dB"),
    ]
    if found.accuracy is not None and found.float_accuracy is not None:
        lines.append(("accuracy", f"{found.accuracy:.1%}, of the float network {found.float_accuracy:.1%}"))
    for name, value in (*lines, ("network", str(output))):
        out.print(f"{name:<14}{value}", soft_wrap=True)
