"""``hwq run``: a model's outputs, bit for bit."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from hwq.cli import console, exit_codes
from hwq.cli.arrays import ArrayWriter
from hwq.cli.counts import COUNT_COLUMNS, counts_json
from hwq.cli.inputs import Target, named_path, open_target
from hwq.cli.sources import MOST_SAMPLES, Seed
from hwq.cli.tables import Column, Row, fitted
from hwq.config.faults import nearest
from hwq.emulate import Emulator
from hwq.emulate.contracts import NETWORK_CONTRACTS
from hwq.errors import ConfigError
from hwq.frontends.samples import SampleFile
from hwq.frontends.sources import RandomSamples, choose_samples
from hwq.graph.network import Network
from hwq.numeric.requantize import Contract
from hwq.schedule.order import ordered_sums

#: Samples of the first piece of the work; each that took less than the time makes the next one twice as large.
_FIRST_PIECE = 32
_PIECE_SECONDS = 0.25

#: Bytes of activations, and samples, that one piece holds at most.
_PIECE_BYTES = 1 << 24
_PIECE_SAMPLES = 4096

#: Inputs where there is no data and nobody says how many.
_RANDOM_SAMPLES = 1000


@dataclass
class _Tally:
    """What has been computed so far, and how many samples come next."""

    samples: int = 0
    right: int = 0
    seconds: float = 0.0
    piece: int = 1
    interrupted: bool = False


def command(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL_OR_PROJECT", help="A .tflite model, one saved by hwq, or a project's .yaml."),
    ],
    data: Annotated[
        Path | None,
        typer.Option(metavar="X.npz", help="Samples: x [N, ...], codes or real numbers, and y [N] for accuracy."),
    ] = None,
    contract: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Requantization contract: double, up2, single; for comparison f64away, fp32he. "
            "Without it the project's, or double.",
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            "--samples",
            metavar="N",
            min=1,
            max=MOST_SAMPLES,
            help=f"Only the first N samples; without data N random inputs, {_RANDOM_SAMPLES:,} by default.",
        ),
    ] = None,
    seed: Seed = 0,
    save: Annotated[
        Path | None, typer.Option(metavar="OUT.npz", parser=named_path, help="Write the raw integer outputs as y.")
    ] = None,
    dump: Annotated[
        Path | None,
        typer.Option(metavar="DIR", parser=named_path, help="Write every layer's output to DIR as LAYER.npy."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> int:
    """Compute a model's outputs bit for bit, and measure accuracy and speed.

    Real numbers are quantized at the input; without samples the inputs are random. Accuracy is the part of the samples
    whose largest output is y. Results appear only when they are whole; an interrupted run saves the samples it had.
    """
    target = open_target(model)
    data = data or (target.project.data if target.project else None)
    samples = choose_samples(target.network, data, count, seed, _RANDOM_SAMPLES)
    chosen = _contract(target, contract)
    with console.waiting("preparing the emulator"):
        sums = ordered_sums(target.network, target.accelerator) if target.accelerator else {}
        emulator = Emulator(target.network, chosen, sums=sums, count=True)
        # Compiles what is compiled once, which is no part of the speed.
        source = target.network.tensors[target.network.input]
        emulator.run(np.zeros((1, *source.shape), source.quantization.format.dtype))
        before = _counts(emulator)
    tally = _compute(emulator, samples, save, dump)
    if tally.interrupted:
        kept = "" if save is None else f"; {save} holds those"
        console.note(f"interrupted after {tally.samples:,} of {samples.count:,} samples{kept}")
        return exit_codes.INTERRUPTED
    counts = {name: after - before[name] for name, after in _counts(emulator).items()}
    accuracy = None if samples.labels is None else tally.right / tally.samples
    speed = tally.samples / tally.seconds
    if as_json:
        console.print_json(
            {
                "network": target.network.name,
                "contract": chosen.value,
                "samples": tally.samples,
                "origin": samples.origin,
                "accuracy": accuracy,
                "inferences_per_second": round(speed, 3),
                **({"layers": [_layer_json(name, counts.get(name)) for name in sums]} if target.project else {}),
            }
        )
        return exit_codes.GOOD
    unknown = "unknown: no labels y" if data else "unknown: give --data X.npz with samples x and labels y"
    lines = [
        ("samples", f"{tally.samples:,} ({samples.origin})"),
        ("accuracy", unknown if accuracy is None else f"{accuracy:.2%} ({tally.right:,} right)"),
        ("inferences/s", f"{speed:,.0f} ({tally.seconds:.2f} s)"),
        *([("outputs", str(save))] if save is not None else []),
        *([("layers", str(dump))] if dump is not None else []),
    ]
    out = console.output()
    out.print(f"{target.network.name}, contract {chosen.value}", style="bold")
    for name, value in lines:
        out.print(f"{name:<14}{value}", soft_wrap=True)
    if counts:
        out.print()
        rows = [Row((name, *(f"{count:,}" for count in found.tolist()))) for name, found in counts.items()]
        out.print(fitted((Column("Layer"), *COUNT_COLUMNS), rows, out))
    return exit_codes.GOOD


def _counts(emulator: Emulator) -> dict[str, NDArray[np.int64]]:
    """Of each layer that counts, how often psums and accumulators overflowed and outputs were clamped, int64 [3]."""
    return {name: found.totals for name, found in emulator.overflows.items()}


def _layer_json(name: str, counts: NDArray[np.int64] | None) -> dict[str, object]:
    """Counts of a layer; where overflow is refused there are none of sums, and outputs are not counted."""
    return {"name": name, **counts_json((0, 0, None) if counts is None else counts.tolist())}


def _contract(target: Target, name: str | None) -> Contract:
    if name is None:
        return target.project.accelerator.arithmetic.contract if target.project else Contract.DOUBLE
    known = {contract.value: contract for contract in NETWORK_CONTRACTS}
    if name not in known:
        raise ConfigError(f"--contract: no contract {name!r}; {nearest(name, [*known])}")
    return known[name]


def _compute(emulator: Emulator, samples: SampleFile | RandomSamples, save: Path | None, dump: Path | None) -> _Tally:
    """Run every sample in pieces; outputs are written as they come."""
    network = emulator.network
    tally = _Tally()
    with ExitStack() as files:
        outputs = [files.enter_context(_writer(save, network, network.output, "y"))] if save is not None else []
        layers: dict[str, ArrayWriter] = {}
        if dump is not None:
            dump.mkdir(parents=True, exist_ok=True)
            for layer in network.layers:
                layers[layer.output] = files.enter_context(
                    _writer(dump / f"{layer.name}.npy", network, layer.output, None)
                )
        tally.piece = min(_FIRST_PIECE, most := _most_samples(network, whole=dump is not None))
        with console.patient_interrupts() as interrupted, console.progress("emulating") as report:
            for x in samples.pieces(lambda: tally.piece):
                seconds = _piece(emulator, x, samples, tally, outputs, layers)
                report(tally.samples, samples.count)
                if interrupted():
                    tally.interrupted = tally.samples < samples.count
                    break
                if seconds < _PIECE_SECONDS:
                    tally.piece = min(2 * tally.piece, most)
        for writer in (*outputs, *layers.values()):
            writer.finish()
    return tally


def _piece(
    emulator: Emulator,
    x: NDArray[np.integer],
    samples: SampleFile | RandomSamples,
    tally: _Tally,
    outputs: list[ArrayWriter],
    layers: dict[str, ArrayWriter],
) -> float:
    """Compute, write and count one piece; returns the seconds that computing took."""
    begin = time.perf_counter()
    tensors = emulator.trace(x) if layers else {emulator.network.output: emulator.run(x)}
    seconds = time.perf_counter() - begin
    y = tensors[emulator.network.output]
    for writer in outputs:
        writer.append(y)
    for name, writer in layers.items():
        writer.append(tensors[name])
    if samples.labels is not None:
        best = y.reshape(len(y), -1).argmax(axis=1)
        tally.right += int(np.count_nonzero(best == samples.labels[tally.samples : tally.samples + len(y)]))
    tally.samples += len(y)
    tally.seconds += seconds
    return seconds


def _writer(path: Path, network: Network, tensor: str, name: str | None) -> ArrayWriter:
    facts = network.tensors[tensor]
    return ArrayWriter(path, facts.shape, facts.quantization.format.dtype, name)


def _most_samples(network: Network, *, whole: bool) -> int:
    """Samples whose input and output, or whose every tensor, fit a piece."""
    names = list(network.tensors) if whole else [network.input, network.output]
    elements = sum(network.tensors[name].elements for name in names)
    return max(1, min(_PIECE_SAMPLES, _PIECE_BYTES // elements))
