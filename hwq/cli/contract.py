"""``hwq contract``: which exact integer arithmetic a runtime does, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from hwq.cli import console, exit_codes
from hwq.cli.inputs import Target, open_target
from hwq.cli.sources import MOST_SAMPLES, Seed
from hwq.cli.tables import Column, Row, fitted
from hwq.config.faults import nearest
from hwq.contracts.comparison import Comparison, Difference, LayerComparison, Program, compare
from hwq.contracts.recorded import Recorded, open_recorded
from hwq.contracts.runtimes import RUNTIMES, LiveRuntime
from hwq.emulate.contracts import NETWORK_CONTRACTS
from hwq.errors import ConfigError, DataError, ModelError
from hwq.frontends.sources import choose_samples
from hwq.numeric.requantize import Contract

#: Samples where nobody says how many; the reference kernels of the larger networks take a tenth of a second for one.
_SAMPLES = 16

#: Bytes of activations, under every contract, that one piece of the work holds at most.
_PIECE_BYTES = 1 << 26


def command(
    model: Annotated[
        Path,
        typer.Argument(metavar="PROJECT_OR_MODEL", help="A project's .yaml, a .tflite model, or one saved by hwq."),
    ],
    against: Annotated[
        str,
        typer.Option(
            metavar="RUNTIME",
            help=f"{', '.join(RUNTIMES)}, or an .npz of outputs that a program recorded.",
        ),
    ],
    data: Annotated[Path | None, typer.Option(metavar="X.npz", help="Samples; the project's without it.")] = None,
    samples: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=MOST_SAMPLES, help=f"How many; {_SAMPLES}, or all that are recorded."),
    ] = None,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> int:
    """Find out which exact integer arithmetic a runtime does, layer by layer.

    Every layer is computed under every contract from the runtime's own input of that layer, and the values that differ
    from the runtime's output are counted. Exit code 1 when the project's contract (double without a project) and the
    runtime part anywhere.
    """
    target = open_target(model)
    program = _program(against, target)
    chosen = _samples(target, program, data, samples, seed)
    contract = target.project.accelerator.arithmetic.contract if target.project else Contract.DOUBLE
    with console.progress("comparing") as show:
        found = compare(target.network, program, chosen.pieces, contract, seed, lambda done: show(done, chosen.count))
    if as_json:
        console.print_json(_json(found))
    else:
        _print(found, chosen.origin)
    return exit_codes.GOOD if found.first_difference is None else exit_codes.MISMATCH


def _program(name: str, target: Target) -> Program:
    if name in RUNTIMES:
        try:
            return LiveRuntime(name, target.network, target.model.read_bytes())
        except ModelError as error:
            raise ModelError(f"{target.model}: {error}") from None
    if Path(name).suffix.lower() == ".npz":
        return open_recorded(Path(name), target.network)
    raise ConfigError(f"--against: no runtime {name!r}, and no .npz; {nearest(name, [*RUNTIMES])}")


@dataclass(frozen=True)
class _Samples:
    """Input codes in pieces, how many there are, and where they are from."""

    pieces: Iterator[NDArray[np.integer]]
    count: int
    origin: str


def _samples(target: Target, program: Program, data: Path | None, count: int | None, seed: int) -> _Samples:
    """The inputs that were recorded, or those of the file or the project, or random ones."""
    network = target.network
    elements = sum(tensor.elements for tensor in network.tensors.values())
    piece = max(1, _PIECE_BYTES // (elements * len(NETWORK_CONTRACTS)))
    recorded = program if isinstance(program, Recorded) else None
    if recorded is not None and count is not None and count > recorded.count:
        raise DataError(f"{recorded.name} holds {recorded.count:,} samples, and {count:,} are asked for")
    if recorded is not None and recorded.input is not None and data is None:
        x = recorded.input[: count or recorded.count]
        pieces = (x[start : start + piece] for start in range(0, len(x), piece))
        return _Samples(pieces, len(x), f"{recorded.name}, x")
    path = data or (target.project.data if target.project else None)
    if recorded is None:
        chosen = choose_samples(network, path, None, seed, count or _SAMPLES)
        if count is not None or chosen.count > _SAMPLES:
            chosen = choose_samples(network, path, count or _SAMPLES, seed, _SAMPLES)
    else:
        chosen = choose_samples(network, path, count, seed, recorded.count)
        if chosen.count != (count or recorded.count):
            raise DataError(
                f"{recorded.name} holds {recorded.count:,} samples and {path} {chosen.count:,}: "
                f"give --samples N where the first N of both belong together"
            )
    return _Samples(chosen.pieces(lambda: piece), chosen.count, chosen.origin)


def _json(found: Comparison) -> dict[str, Any]:
    first = found.first_difference
    return {
        "runtime": found.program,
        "version": found.version,
        "samples": found.samples,
        "contract": found.contract.value,
        "exact": [contract.value for contract in found.exact],
        "layers": [_layer_json(layer) for layer in found.layers],
        "first_difference": None
        if first is None
        else {
            "layer": first.layer,
            "sample": first.sample,
            "element": list(first.element),
            "runtime": first.program,
            "emulated": first.emulated,
            "probe": first.probe,
        },
    }


def _layer_json(layer: LayerComparison) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "contracts": {contract.value: wrong for contract, wrong in layer.wrong.items()} if layer.values else {},
        "exact": [contract.value for contract in layer.exact],
        "values": layer.values,
        "any": layer.indifferent,
        "inputs": "runtime" if layer.own_inputs else "emulated",
        "ties": [[contract.value for contract in group] for group in layer.ties],
        "probes": layer.probes,
        "probes_compared": layer.asked,
        "proven": layer.proven,
    }


def _print(found: Comparison, origin: str) -> None:
    out = console.output()
    named = found.program if found.version is None else f"{found.program} {found.version}"
    out.print(f"wrong values of each contract against {named}", style="bold", soft_wrap=True)
    columns = [
        Column("Layer"),
        Column("Kind", drop=9),
        Column("Exact"),
        *(Column(contract.value, right=True, drop=_drop(contract, found.contract)) for contract in NETWORK_CONTRACTS),
        Column("Values", right=True, drop=8),
        Column("Probes", right=True, drop=7),
    ]
    rows = [
        Row(
            (
                layer.name,
                layer.kind,
                _exact(layer),
                *(_count(layer, contract) for contract in NETWORK_CONTRACTS),
                f"{layer.values:,}" if layer.values else "",
                f"{layer.probes:,}" if layer.probes else "",
            ),
            "red" if layer.wrong[found.contract] else "",
        )
        for layer in found.layers
    ]
    out.print(fitted(columns, rows, out))
    out.print()
    for note in _notes(found):
        console.say(note, "dim")
    console.say(f"{found.samples:,} sample{'' if found.samples == 1 else 's'} ({origin})", "dim")
    _print_verdict(found, named)


def _drop(contract: Contract, own: Contract) -> int:
    """How early a contract's column goes where it is narrow: the names of the exact ones say most of it."""
    return 0 if contract is own else 1 + NETWORK_CONTRACTS.index(contract)


def _exact(layer: LayerComparison) -> str:
    if not layer.values:
        return "not recorded"
    if not layer.exact:
        return "none"
    names = "any" if layer.exact == list(NETWORK_CONTRACTS) else _listed(layer.exact)
    return f"{names} *" if layer.ties and not layer.proven else names


def _count(layer: LayerComparison, contract: Contract) -> str:
    if not layer.values or (layer.indifferent and contract in layer.exact):
        return ""
    return f"{layer.wrong[contract]:,}"


def _notes(found: Comparison) -> Iterator[str]:
    open_ties = [layer for layer in found.layers if layer.ties and not layer.proven]
    if any(layer.proven for layer in found.layers):
        others = ", but for those marked *" if open_ties else ""
        yield f"Contracts that are exact together are the same in that layer: no input of it tells them apart{others}."
    if open_ties:
        tried = sum(layer.probes for layer in open_ties)
        more = f", nor of {tried:,} inputs of these layers by themselves," if tried else ""
        yield f"* No value of the samples{more} tells these apart; others may."
    emulated = [layer.name for layer in found.layers if layer.values and not layer.own_inputs]
    if emulated:
        yield f"Inputs that are not recorded, and so are emulated under each contract: those of {', '.join(emulated)}."


def _print_verdict(found: Comparison, named: str) -> None:
    first, own = found.first_difference, found.contract
    compared = [layer for layer in found.layers if layer.values]
    where = f"layer {compared[0].name}" if len(compared) == 1 else f"every one of {len(compared)} layers"
    others = _listed(contract for contract in found.exact if contract is not own)
    if first is None:
        also = f"; no value tells {others} apart from it" if others else ""
        console.say(f"AGREES: {own.value} gives what {named} computes in {where}{also}", "bold green")
        return
    console.say(f"First difference: {_place(first, named)}.", "red")
    rest = f"; without a wrong value in {where}: {others}" if others else f"; no contract is exact in {where}"
    console.say(f"DIFFERS: {own.value} and {named} part at {first.layer}{rest}", "bold red")


def _listed(contracts: Iterable[Contract]) -> str:
    return ", ".join(contract.value for contract in contracts)


def _place(first: Difference, named: str) -> str:
    kind = "probe" if first.probe else "sample"
    return (
        f"layer {first.layer}, {kind} {first.sample}, element {list(first.element)}: {named} gives {first.program}, "
        f"the contract {first.emulated}"
    )
