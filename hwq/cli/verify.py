"""``hwq verify``: the generated Verilog against the emulator, bit for bit and cycle for cycle."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from hwq.cli import console, exit_codes
from hwq.cli.counts import COUNT_COLUMNS, counts_json
from hwq.cli.hls import open_hls
from hwq.cli.inputs import named_path
from hwq.cli.phases import phases
from hwq.cli.projects import open_design, project_samples
from hwq.cli.sources import MOST_SAMPLES, Seed
from hwq.cli.tables import Column, Row, fitted
from hwq.errors import ConfigError
from hwq.hls.flavors import Flavor
from hwq.schedule.losses import CAUSES
from hwq.schedule.runs import run_title
from hwq.toolchain.scratch import scratch_folder
from hwq.toolchain.verilator import trace_format
from hwq.verify.compare import RunReport
from hwq.verify.hls import verify_hls
from hwq.verify.session import VerifyReport, verify
from hwq.verify.tamper import FAULTS, Tamper


class Backend(StrEnum):
    """What a verification runs."""

    VERILATOR = "verilator"
    HLS = "hls"


def command(
    project: Annotated[Path, typer.Argument(metavar="PROJECT.yaml", help="The project.")],
    layers: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Only these layers, names separated by commas.")
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="X.npz", help="Samples; the project's without it.")] = None,
    samples: Annotated[
        int, typer.Option(metavar="N", min=1, max=MOST_SAMPLES, help="How many samples each layer runs on.")
    ] = 1,
    seed: Seed = 0,
    waves: Annotated[bool, typer.Option("--waves", help="Write a waveform (FST, or VCD without lz4).")] = False,
    tamper: Annotated[
        Tamper | None, typer.Option(help="Plant a fault first, to see that the comparison finds it.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", parser=named_path, help="Keep Verilog, vectors, log and waveform here."
        ),
    ] = None,
    backend: Annotated[
        Backend, typer.Option(help="What runs: the Verilog in Verilator, or C++ for HLS compiled with g++.")
    ] = Backend.VERILATOR,
    types: Annotated[
        Flavor | None, typer.Option("--types", help="Of --backend hls: whose integer types; portable without it.")
    ] = None,
    causes: Annotated[bool, typer.Option("--causes", help="Also show what the cycles of each run go to.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> int:
    """Prove in simulation that a project's Verilog, or C++, computes the emulator's bits in the predicted cycles.

    Each layer runs in Verilator on what it meets in the network; a network whose layers on chip follow one another runs
    whole too. Exit code 1 when one bit or one cycle differs.
    """
    names = None if layers is None else _names(layers)
    if backend is not Backend.HLS and types is not None:
        raise ConfigError("--types: of C++ alone; leave it out, or --backend hls")
    if backend is Backend.HLS:
        _refuse_beside_hls({"--waves": waves, "--tamper": tamper is not None, "--causes": causes})
    with phases() as show, _directory(output) as directory:
        show("reading")
        if backend is Backend.HLS:
            found, written = open_hls(project)
            x, origin = project_samples(found, data, samples, seed)
            report = verify_hls(written, types or Flavor.PORTABLE, x, directory, names, show)
            waveform = None
        else:
            opened = open_design(project, names)
            x, origin = project_samples(opened, data, samples, seed)
            trace = trace_format() if waves else None
            fault = FAULTS[tamper] if tamper else None
            report = verify(opened.design, x, directory, opened.inputs, trace, fault, show)
            waveform = report.waveform
            if waveform is not None and output is None:
                waveform = Path(f"{opened.project.name}.{trace}")
                shutil.copyfile(report.waveform or "", waveform)
    if as_json:
        console.print_json(_json(report, waveform))
    else:
        _print(report, origin, waveform, output, causes)
    if report.interrupted:
        console.note(f"interrupted after {len(report.runs)} of {report.planned} runs")
        return exit_codes.INTERRUPTED
    return 0 if report.match else exit_codes.MISMATCH


def _refuse_beside_hls(options: dict[str, bool]) -> None:
    given = [name for name, there in options.items() if there]
    if given:
        raise ConfigError(f"{' and '.join(given)}: of the Verilog alone; leave it out, or --backend hls")


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ConfigError("--layers names no layer")
    return names


@contextmanager
def _directory(output: Path | None) -> Iterator[Path]:
    if output is not None:
        yield output
        return
    with scratch_folder("hwq-verify-") as directory:
        yield directory


def _json(report: VerifyReport, waveform: Path | None) -> dict[str, Any]:
    done = [layer for layer in report.layers if layer.cycles]
    cycles, macs = report.cycles, sum(layer.macs for layer in report.layers)
    return {
        "match": report.match,
        "simulator": report.simulator.title,
        "samples": report.samples,
        "cycles": cycles,
        "predicted_cycles": report.predicted_cycles,
        "macs": macs,
        "utilization": round(macs / (cycles * done[0].multipliers), 6) if cycles and done else None,
        "tampered": report.tampered,
        "failure": report.failure,
        "interrupted": report.interrupted,
        "divergence": vars(report.divergence) if report.divergence else None,
        "waveform": str(waveform) if waveform else None,
        "seconds": {
            "build": round(report.simulator.seconds, 3),
            "simulation": round(report.simulation_seconds, 3),
            "total": round(report.seconds, 3),
        },
        "host": [{"name": found.layer.name, "reason": found.reason} for found in report.host],
        "layers": [run_json(layer) for layer in report.layers],
        "network": run_json(report.network) if report.network else None,
    }


def run_json(layer: RunReport) -> dict[str, Any]:
    """What ``--json`` says of one layer, or of the whole network."""
    return {
        "name": layer.name,
        "match": layer.match,
        "elements": layer.elements,
        "mismatches": layer.mismatches,
        "cycles": layer.cycles,
        "predicted_cycles": layer.predicted_cycles,
        "macs": layer.macs,
        "utilization": None if layer.utilization is None else round(layer.utilization, 6),
        "cycles_by_cause": dict(layer.causes),
        **counts_json(layer.counts or (None, None, None)),
        "wrong_counts": [vars(wrong) for wrong in layer.wrong_counts],
        "wrong_cycles": [{"sample": sample, "cycles": count} for sample, count in layer.wrong_cycles],
        "divergence": None if layer.divergence is None else vars(layer.divergence),
    }


_COLUMNS = (
    Column("Layer"),
    Column("Elements", right=True, drop=3),
    Column("Wrong", right=True),
    Column("Cycles", right=True),
    Column("Predicted", right=True, drop=1),
    Column("MACs", right=True, drop=4),
    Column("Use", right=True, drop=2),
)

#: Those of them that need a clock.
_CLOCKED = ("Cycles", "Predicted", "Use")

#: Most wrong counters that are told.
_MOST_COUNTS = 3


def _print(report: VerifyReport, origin: str, waveform: Path | None, output: Path | None, causes: bool) -> None:
    out = console.output()
    counted = any(run.counts for run in report.runs)
    clocked = report.predicted_cycles is not None
    shown = [number for number, column in enumerate(_COLUMNS) if clocked or column.header not in _CLOCKED]
    rows = [
        Row(
            (*(_cells(run)[number] for number in shown), *(_counts(run) if counted else ()), _verdict(run)),
            "" if run.match else "red",
            section=run is report.network,
        )
        for run in report.runs
    ]
    out.print(
        fitted((*(_COLUMNS[number] for number in shown), *(COUNT_COLUMNS if counted else ()), Column("")), rows, out)
    )
    out.print()
    if causes:
        titles = [cause.replace("_", " ").capitalize() for cause in CAUSES]
        columns = [Column("Layer"), Column("Cycles", right=True)]
        columns += [Column(title, right=True, drop=drop) for drop, title in enumerate(titles)]
        told = [
            Row(
                (run.name, f"{run.predicted_cycles:,}", *(f"{run.causes[cause]:,}" for cause in CAUSES)),
                section=run is report.network,
            )
            for run in report.runs
        ]
        out.print(fitted(columns, told, out))
        out.print()
    if report.tampered:
        console.say(f"Planted fault: {report.tampered}.")
    if report.failure:
        console.say(f"Silence: {report.failure}.", "red")
    if report.divergence:
        console.say(f"First difference: {report.divergence}.", "red")
    for run in report.runs:
        for sample, cycles in run.wrong_cycles[:1]:
            text = f"Cycles of {run_title(run.name)}, sample {sample}: {cycles:,}, {run.predicted_cycles:,} predicted."
            console.say(text, "red")
    for wrong in [wrong for run in report.runs for wrong in run.wrong_counts][:_MOST_COUNTS]:
        console.say(f"{wrong}.", "red")
    if waveform:
        console.say(f"Waveform: {waveform}")
    if output:
        console.say(f"Files: {output}")
    _print_verdict(report, origin)


def _print_verdict(report: VerifyReport, origin: str) -> None:
    simulator = report.simulator
    layers = _count(len(report.layers), "layer") + (" and the whole network" if report.network else "")
    if report.match:
        elements = sum(run.elements for run in report.runs)
        cycles = "" if report.predicted_cycles is None else " and every cycle"
        verdict = f"MATCH: {elements:,} outputs of {layers}, every bit{cycles}"
        console.say(verdict, "bold green")
    elif not report.interrupted:
        wrong = sum(not run.match for run in report.runs)
        console.say(f"MISMATCH in {wrong} of {_count(len(report.runs), 'run')}", "bold red")
    built = "from cache" if simulator.cached else f"built in {simulator.seconds:.1f} s"
    facts = [simulator.title, built, f"simulated in {report.simulation_seconds:.1f} s"]
    console.say(f"{_count(report.samples, 'sample')} ({origin}); {', '.join(facts)}", "dim")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _cells(layer: RunReport) -> tuple[str, ...]:
    return (
        layer.name,
        f"{layer.elements:,}",
        f"{layer.mismatches:,}",
        "none" if layer.cycles is None else f"{layer.cycles:,}",
        f"{layer.predicted_cycles:,}" if layer.predicted_cycles is not None else "",
        f"{layer.macs:,}" if layer.macs else "",
        f"{layer.utilization:.1%}" if layer.macs and layer.utilization is not None else "",
    )


def _verdict(run: RunReport) -> str:
    return "ok" if run.match else "WRONG"


def _counts(run: RunReport) -> tuple[str, ...]:
    return tuple("" if run.counts is None or not run.macs else f"{count:,}" for count in run.counts or (0, 0, 0))
