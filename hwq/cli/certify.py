"""``hwq certify``: which widths of accumulators hold every sum, and what overflows the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from hwq.certify.certificate import LayerCertificate, certify
from hwq.certify.hardware import count_in_hardware
from hwq.cli import console, exit_codes
from hwq.cli.arrays import check_place
from hwq.cli.inputs import Target, named_path, open_target
from hwq.cli.phases import phases
from hwq.cli.sources import MOST_SAMPLES
from hwq.cli.tables import Column, Row, fitted
from hwq.emulate import Emulator
from hwq.errors import ConfigError
from hwq.export.files import writing
from hwq.frontends.sources import choose_samples
from hwq.numeric.accumulation import SumOverflow
from hwq.numeric.requantize import Contract
from hwq.schedule.order import ordered_sums
from hwq.toolchain.scratch import scratch_folder

#: Bytes of activations that one piece of the samples holds at most.
_PIECE_BYTES = 1 << 24

#: Channels that a line names at most.
_MOST_NAMES = 5


def command(
    model: Annotated[
        Path,
        typer.Argument(metavar="PROJECT_OR_MODEL", help="A project's .yaml, a .tflite model, or one saved by hwq."),
    ],
    data: Annotated[
        Path | None, typer.Option(metavar="X.npz", help="Samples to look at; the project's without it, if it has any.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=MOST_SAMPLES, help="Only the first N samples.")
    ] = None,
    rtl: Annotated[
        bool, typer.Option("--rtl", help="Run every input that overflows in Verilator too, and read the counters.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(metavar="OUT.npz", parser=named_path, help="Write these inputs, an array for each layer."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> int:
    """Prove which accumulator widths hold every sum, from the real weights and in the order of the schedule.

    Shows for each layer the smallest safe widths, the headroom of the chosen ones, the largest sums on the samples, and
    whether the order of additions can matter. Where a width is too narrow it makes an input of the layer that overflows
    it, and has the emulator count. Exit code 1 when a width is too narrow.
    """
    if save is not None:
        check_place(save)
    target = open_target(model)
    accelerator = target.accelerator
    if rtl and accelerator is None:
        raise ConfigError("--rtl: a model alone has no hardware; give a project, a .yaml that names the model")
    data = data or (target.project.data if target.project else None)
    if samples is not None and data is None:
        raise ConfigError(f"--samples {samples}: there are no samples; give --data X.npz")
    chosen = choose_samples(target.network, data, samples, 0, 0) if data is not None else None
    sums = ordered_sums(target.network, accelerator) if accelerator else {}
    contract = accelerator.arithmetic.contract if accelerator else Contract.DOUBLE
    count = 0 if chosen is None else chosen.count
    with console.progress("observing") as show:
        emulator = Emulator(target.network, contract, sums=sums)
        elements = sum(tensor.elements for tensor in target.network.tensors.values())
        piece = max(1, _PIECE_BYTES // elements)
        pieces = () if chosen is None else chosen.pieces(lambda: piece)
        found = certify(target.network, sums, emulator, pieces, lambda done: show(done, count))
    saved = save is not None and _save(save, found)
    counted = _in_hardware(target, found) if rtl else {}
    good = all(layer.safe for layer in found)
    if as_json:
        origin = None if chosen is None else chosen.origin
        console.print_json(_json(target, found, counted, count, origin))
    else:
        _print(target, found, counted)
        if chosen is not None:
            console.say(f"{count:,} sample{'' if count == 1 else 's'} ({chosen.origin})", "dim")
        if save is not None:
            console.say(
                f"Inputs that overflow: {save}" if saved else f"No input overflows; {save} is not written", "dim"
            )
        _print_verdict(found)
    return exit_codes.GOOD if good else exit_codes.MISMATCH


def _save(path: Path, found: Iterable[LayerCertificate]) -> bool:
    """Write the inputs that overflow; whether there are any."""
    arrays: dict[str, Any] = {layer.layer.name: layer.witness.codes for layer in found if layer.witness}
    if arrays:
        with writing(path), path.open("wb") as file:
            np.savez(file, **arrays)
    return bool(arrays)


def _in_hardware(target: Target, found: Iterable[LayerCertificate]) -> dict[str, int]:
    """By layer what the counters of the Verilog say of its witness."""
    counted = {}
    accelerator = target.accelerator
    assert accelerator is not None
    with phases() as show:
        for certificate in found:
            layer = certificate.layer
            if certificate.witness is not None and certificate.on_chip:
                with scratch_folder("hwq-certify-") as folder:
                    counted[layer.name] = count_in_hardware(
                        target.network, layer, certificate.witness, accelerator, folder, show
                    )
    return counted


def _json(
    target: Target, found: Sequence[LayerCertificate], counted: Mapping[str, int], samples: int, origin: str | None
) -> dict[str, Any]:
    accelerator = target.accelerator
    spec = accelerator.accumulation if accelerator else None
    return {
        "network": target.network.name,
        "safe": all(layer.safe for layer in found),
        "samples": samples,
        "origin": origin,
        "overflow": None if spec is None else spec.overflow.value,
        "granularity": None if spec is None else spec.granularity.value,
        "layers": [_layer_json(layer, counted.get(layer.layer.name)) for layer in found],
    }


def _layer_json(layer: LayerCertificate, rtl: int | None) -> dict[str, Any]:
    accumulator, psum, witness = layer.accumulator, layer.psum, layer.witness
    return {
        "name": layer.layer.name,
        "safe": layer.safe,
        "safe_accumulator_bits": accumulator.reach.bits,
        "accumulator_bits": accumulator.width,
        "accumulator_headroom": accumulator.headroom,
        "safe_psum_bits": psum and psum.reach.bits,
        "psum_bits": psum and psum.width,
        "psum_headroom": psum and psum.headroom,
        "observed_bits": accumulator.observed and accumulator.observed.bits,
        "observed_psum_bits": psum and psum.observed and psum.observed.bits,
        "any_order_bits": layer.any_order_bits,
        "order_matters": bool(layer.order_matters.any()),
        "channels": _channels_json(layer),
        "witness": None
        if witness is None
        else {
            "sum": witness.kind,
            "channel": witness.channel,
            "row": witness.row,
            "column": witness.column,
            "products": witness.products,
            "bits": witness.bits,
            "value": witness.value,
            "overflows": layer.overflows,
            "rtl": rtl,
        },
    }


def _channels_json(layer: LayerCertificate) -> list[dict[str, Any]]:
    columns: dict[str, Sequence[Any]] = {"channel": range(layer.layer.channels)}
    for sums, prefix in ((layer.accumulator, ""), (layer.psum, "psum_")):
        for name, reach in (("", sums and sums.reach), ("observed_", sums and sums.observed)):
            for end in ("low", "high"):
                values = None if reach is None else getattr(reach, end).tolist()
                columns[f"{name}{prefix}{end}"] = values or [None] * layer.layer.channels
        bits = None if sums is None else sums.reach.channel_bits
        columns[f"safe_{prefix or 'accumulator_'}bits"] = bits or [None] * layer.layer.channels
    columns["order_matters"] = layer.order_matters.tolist()
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


_COLUMNS = (
    Column("Layer"),
    Column("Safe acc.", right=True),
    Column("Chosen", right=True, drop=5),
    Column("Headroom", right=True),
    Column("Seen", right=True, drop=3),
    Column("Safe psum", right=True, drop=2),
    Column("Chosen psum", right=True, drop=6),
    Column("Psum headroom", right=True, drop=4),
    Column("Order", drop=1),
    Column(""),
)


def _print(target: Target, found: Sequence[LayerCertificate], counted: Mapping[str, int]) -> None:
    out = console.output()
    accelerator = target.accelerator
    how = "products added one by one to one accumulator, zero-point subtracted"
    if accelerator is not None:
        spec = accelerator.accumulation
        how = f"overflow {spec.overflow.value}, granularity {spec.granularity.value}"
    out.print(f"{target.network.name}: {how}", style="bold", soft_wrap=True)
    rows = [Row(_cells(layer), "" if layer.safe else "red") for layer in found]
    out.print(fitted(_COLUMNS, rows, out))
    out.print()
    for layer in found:
        for line in _unsafe(layer, counted.get(layer.layer.name)):
            console.say(line, "red")
        tighter = _tighter(target, layer)
        if tighter is not None:
            console.say(tighter)


def _cells(layer: LayerCertificate) -> tuple[str, ...]:
    accumulator, psum = layer.accumulator, layer.psum
    seen = accumulator.observed
    return (
        layer.layer.name,
        str(accumulator.reach.bits),
        str(accumulator.width),
        f"{accumulator.headroom:+}",
        "" if seen is None else str(seen.bits),
        "" if psum is None else str(psum.reach.bits),
        "" if psum is None else str(psum.width or "exact"),
        "" if psum is None or psum.headroom is None else f"{psum.headroom:+}",
        "matters" if layer.order_matters.any() else "any",
        "safe" if layer.safe else "NOT SAFE",
    )


def _unsafe(layer: LayerCertificate, rtl: int | None) -> Iterator[str]:
    """Why a layer is not safe, and what shows it."""
    name, witness = layer.layer.name, layer.witness
    lacking = [
        f"{sums.reach.bits} bits for {what} and has {sums.width}"
        for what, sums in (("sums of passes", layer.psum), ("accumulators", layer.accumulator))
        if sums is not None and not sums.safe and (sums is not layer.accumulator or what == "accumulators")
    ]
    if lacking:
        yield f"Layer {name} needs {' and '.join(lacking)}."
    if layer.wide_biases:
        listed = _listed([str(channel) for channel in layer.wide_biases])
        yield f"Layer {name} begins with biases that the accumulator does not hold, in channels {listed}."
    if witness is not None:
        verilog = "" if rtl is None else f", {rtl:,} in Verilog"
        yield (
            f"Layer {name}, witness: an input that takes the {witness.kind} of channel {witness.channel} at row "
            f"{witness.row}, column {witness.column} to {witness.value:,} after {witness.products:,} of "
            f"{layer.layer.channel_rows.shape[1]:,} products: overflows counted {layer.overflows:,} in the emulator"
            f"{verilog}."
        )


def _tighter(target: Target, layer: LayerCertificate) -> str | None:
    """Where following the schedule pays, and whether the design profits from it."""
    bits = layer.accumulator.reach.bits
    if bits >= layer.any_order_bits or target.accelerator is None:
        return None
    text = f"Layer {layer.layer.name}: in this order {bits} bits are enough, in any order {layer.any_order_bits}"
    width = layer.accumulator.width or 0
    refused = target.accelerator.arithmetic.overflow is SumOverflow.REFUSE and bits <= width < layer.any_order_bits
    return text + ("; overflow: refuse goes by the latter and refuses it." if refused else ".")


def _print_verdict(found: Sequence[LayerCertificate]) -> None:
    unsafe = [layer.layer.name for layer in found if not layer.safe]
    layers = f"{len(found):,} layer{'' if len(found) == 1 else 's'}"
    if unsafe:
        console.say(f"NOT SAFE: sums can leave their width in {len(unsafe):,} of {layers}", "bold red")
    else:
        console.say(f"SAFE: no sum of {layers} can leave its width", "bold green")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more:,} more" if more > 0 else "")
