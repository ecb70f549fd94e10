"""``hwq demo``: the digits example the whole way, from trained network to Verilog whose every bit is compared."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hwq.arch.accelerator import Accelerator
from hwq.cli import console, exit_codes
from hwq.cli.gen import layer_table
from hwq.cli.inputs import named_path
from hwq.cli.phases import phases
from hwq.cli.projects import ProjectDesign, open_design
from hwq.cli.verify import run_json
from hwq.examples import digits
from hwq.export.package import write_package
from hwq.frontends.samples import SampleFile, open_samples
from hwq.graph.network import Network
from hwq.graph.shapes import macs, weight_bytes
from hwq.hls.flavors import Flavor
from hwq.toolchain.tools import find_compiler, find_make
from hwq.verify.hls import hls_design, verify_hls
from hwq.verify.session import Progress, VerifyReport, verify
from hwq.verify.vectors import emulator_of, golden_vectors

#: Pictures that each layer runs on in simulation.
_VERIFIED = 4

#: Seconds of repetition that measure the emulator's speed.
_MEASURED_SECONDS = 0.2

_INDENT = 3
_WIDEST = 100

#: Columns that the right half of a list is given, or it goes below.
_NARROWEST = 40

#: From paper to ink, for terminals with block characters and for all others.
_SHADES = " ░▒▓█"
_PLAIN_SHADES = " .+*#"

_FILES = (
    ("digits.yaml, .hwq, .npz", "the project: array and memories, the network, its pictures"),
    ("rtl/hwq_accelerator.v", "the accelerator, plain Verilog in one file"),
    ("images/*.hex", "what its memories hold: weights, biases and scales, layer descriptors"),
    ("manifest.json", "for programs: ports, memories, layers, a hash of every file"),
    ("include/hwq_accelerator.h", "for the driver: the same addresses and commands in C"),
    ("tb/hwq_accelerator_tb.v", "self-checking testbench with one picture, for any simulator"),
    ("reports/*.csv", "layers and memories as tables"),
    ("simulation/", "what step 5 ran: vectors, results, log"),
)

_COMMANDS = (
    ("hwq inspect model.tflite", "layers, MACs, accumulator bits"),
    ("hwq run model.tflite --data samples.npz", "outputs bit for bit, accuracy, speed"),
    ("hwq init model.tflite -o my.yaml", "a project that just holds it, every key explained"),
    ("hwq gen my.yaml -o build", "Verilog, memory images, testbench"),
    ("hwq verify my.yaml", "every bit and every cycle, in Verilator"),
)


@dataclass(frozen=True)
class _Accuracy:
    samples: int
    right: int
    per_second: float

    @property
    def rate(self) -> float:
        return self.right / self.samples


@dataclass(eq=False)
class _Steps:
    """Prints a heading with its time, then what was found, once a step is done; nothing with ``--json``."""

    silent: bool
    seconds: dict[str, float] = field(default_factory=dict)
    out: Console = field(default_factory=console.output)

    @property
    def width(self) -> int:
        """Columns of text."""
        return min(_WIDEST, self.out.width)

    @contextmanager
    def step(self, key: str, title: str) -> Iterator[Progress]:
        """A step's work, with a line about it on the terminal meanwhile; the value is told what is being done."""
        begun = time.monotonic()
        with phases() as show:
            yield show
        self.seconds[key] = time.monotonic() - begun
        self.blank()
        self.heading(f"{len(self.seconds)}  {title}", f"{self.seconds[key]:.1f} s")

    def heading(self, title: str, right: str = "") -> None:
        """Print a title, and at the right end of the line what it took."""
        room = max(len(right) + 2, self.width - len(title)) if right else 0
        self.show(Text.assemble((title, "bold cyan"), (right.rjust(room), "dim")), indent=0)

    def blank(self) -> None:
        """Print an empty line."""
        if not self.silent:
            self.out.print()

    def show(self, what: Any, indent: int = _INDENT) -> None:
        """Print below the heading."""
        if not self.silent:
            self.out.print(Padding(what, (0, 0, 0, indent), expand=False), width=self.width)


def command(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", parser=named_path, help="Where the Verilog and everything else goes."
        ),
    ] = Path("hwq-demo"),
    with_hls: Annotated[
        bool, typer.Option("--hls", help="The same arithmetic as C++ for HLS too, compiled by g++ and compared.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> int:
    """Take a small trained network the whole way, from accuracy to matching Verilog.

    The network names handwritten digits. Its Verilog runs in Verilator on real pictures; exit code 1 when one bit or
    one cycle differs from the prediction, or with --hls one bit of the C++.
    """
    if with_hls:
        # Looked for first: what is missing is not found out at the end.
        find_compiler(), find_make()
    steps = _Steps(as_json)
    steps.show(Text("hwq demo: handwritten digits, from a trained network to Verilog that matches"), indent=0)
    with digits.project_file() as example:
        with steps.step("network", "The network") as show:
            show("reading")
            opened = open_design(example)
            samples = open_samples(example.with_suffix(".npz"), opened.design.network)
            x = next(samples.pieces(lambda: samples.count))
        network, accelerator = opened.design.network, opened.design.program.accelerator
        _show_network(steps, network)
        with steps.step("accuracy", "Its accuracy in the emulator") as show:
            show("emulating")
            accuracy = _measure(opened, samples, x)
        _show_accuracy(steps, accuracy, accelerator.arithmetic.contract.value)
        array = accelerator.array
        with steps.step("layers", f"Its layers on an array of {array.rows}x{array.columns} multipliers"):
            table = layer_table(opened.design, steps.out, addresses=False, width=steps.width - _INDENT)
        steps.show(table)
        _show_time(steps, opened)
        with steps.step("verilog", f"The Verilog, in {output}") as show:
            show("writing Verilog")
            chosen = x[:_VERIFIED]
            vectors = [vector.first() for vector in golden_vectors(opened.design, chosen)]
            write_package(opened.design.program, output, opened.inputs, vectors)
            for suffix in (".yaml", ".hwq", ".npz"):
                shutil.copyfile(example.with_suffix(suffix), output / f"{example.stem}{suffix}")
        steps.show(_pairs(_FILES, steps.width))
    with steps.step("simulation", "The Verilog in Verilator, against the emulator") as show:
        report = verify(opened.design, chosen, output, opened.inputs, progress=show)
    if report.interrupted:
        console.note("interrupted in simulation")
        return exit_codes.INTERRUPTED
    answers = emulator_of(opened.design).run(chosen).argmax(axis=1)
    if report.match:
        _show_match(steps, report, chosen, answers)
    else:
        _show_mismatch(steps, report)
    cpp = _cpp(steps, network, accelerator, chosen, output / "hls") if with_hls else None
    if cpp is not None and cpp.interrupted:
        console.note("interrupted in the C++")
        return exit_codes.INTERRUPTED
    match = report.match and (cpp is None or cpp.match)
    if as_json:
        console.print_json(_json(network, accuracy, report, cpp, answers, samples, output, steps.seconds))
    elif match:
        _show_end(steps, output)
    return exit_codes.GOOD if match else exit_codes.MISMATCH


def _cpp(
    steps: _Steps, network: Network, accelerator: Accelerator, x: NDArray[np.integer], output: Path
) -> VerifyReport:
    """Write the C++ and compare it."""
    with steps.step("hls", f"The same arithmetic as C++ for HLS, in {output}") as show:
        report = verify_hls(hls_design(network, accelerator), Flavor.PORTABLE, x, output, progress=show)
    if report.match:
        elements = sum(run.elements for run in report.runs)
        steps.show(Text(f"MATCH: {elements:,} outputs, every bit", style="bold green"))
        steps.show(f"{report.simulator.title}; for Vitis HLS or Catapult: hwq gen --hls vitis, or catapult.")
    else:
        _show_mismatch(steps, report)
    return report


def _measure(opened: ProjectDesign, samples: SampleFile, x: NDArray[np.integer]) -> _Accuracy:
    """Run all pictures: once to compile, again and again to measure."""
    emulator = emulator_of(opened.design)
    answers = emulator.run(x).argmax(axis=1)
    runs, begun = 0, time.perf_counter()
    while (taken := time.perf_counter() - begun) < _MEASURED_SECONDS:
        emulator.run(x)
        runs += 1
    return _Accuracy(len(x), int(np.count_nonzero(answers == samples.labels)), runs * len(x) / taken)


def _show_network(steps: _Steps, network: Network) -> None:
    shape = "x".join(map(str, network.tensors[network.input].shape[:2]))
    weights, work = sum(map(weight_bytes, network.layers)), sum(macs(network, layer) for layer in network.layers)
    kinds = ["convolution" if layer.op == "conv2d" else layer.op for layer in network.layers]
    steps.show(
        f"Reads handwritten digits in gray pictures of {shape} pixels. {len(network.layers)} layers, "
        f"{kinds.count('convolution')} convolutions and {kinds.count('dense')} dense; "
        f"{weights:,} weights of 8 bits, {work:,} multiply-accumulates (MACs) for a picture."
    )


def _show_accuracy(steps: _Steps, accuracy: _Accuracy, contract: str) -> None:
    steps.show(f"{accuracy.rate:.2%} right: {accuracy.right} of {accuracy.samples} pictures it was not trained on.")
    steps.show(f"{accuracy.per_second:,.0f} pictures/s, rounded by contract {contract}: the bits of TFLite Micro.")


def _show_time(steps: _Steps, opened: ProjectDesign) -> None:
    cycles = sum(layer.predicted_cycles for layer in opened.design.program.layers)
    steps.blank()
    steps.show(
        f"At 100 MHz {cycles:,} cycles take {cycles / 100e3:.3f} ms. Use: multiplier cycles that do a layer's MACs."
    )


def _show_match(steps: _Steps, report: VerifyReport, x: NDArray[np.integer], answers: NDArray[np.integer]) -> None:
    elements = sum(run.elements for run in report.runs)
    simulator = report.simulator
    built = "from cache" if simulator.cached else f"built in {simulator.seconds:.1f} s"
    verdict = f"MATCH: {elements:,} outputs of {len(report.layers)} layers and the whole network"
    steps.show(Text(f"{verdict}, every bit and every cycle", style="bold green"))
    facts = f"{report.samples} pictures, {report.cycles:,} cycles each as predicted"
    steps.show(f"{facts}; {simulator.title}, {built}, simulated in {report.simulation_seconds:.1f} s.")
    steps.blank()
    shades = _PLAIN_SHADES if steps.out.options.ascii_only else _SHADES
    drawn = [_drawing(picture, f"Verilog says {answer}", shades) for picture, answer in zip(x, answers, strict=True)]
    steps.show(Columns(drawn, padding=(0, 3)))


def _drawing(picture: NDArray[np.integer], caption: str, shades: str) -> Text:
    """A picture of input codes [height, width, 1], two characters to a pixel, above its caption."""
    codes = picture[..., 0].astype(np.int64)
    darkness = (codes - codes.min()) * len(shades) // (codes.max() - codes.min() + 1)
    rows = ["".join(2 * shades[level] for level in row) for row in darkness]
    return Text.assemble("\n".join(rows), "\n", (caption.center(2 * codes.shape[1]), "bold"))


def _show_mismatch(steps: _Steps, report: VerifyReport) -> None:
    wrong = sum(not run.match for run in report.runs)
    steps.show(Text(f"MISMATCH in {wrong} of {len(report.runs)} runs", style="bold red"))
    first = report.divergence
    if first is not None:
        steps.show(Text(f"First difference: {first}.", style="red"))
    if report.failure is not None:
        steps.show(Text(f"Silence: {report.failure}.", style="red"))


def _show_end(steps: _Steps, output: Path) -> None:
    total = f"{sum(steps.seconds.values()):.1f} s in all"
    steps.blank()
    steps.heading("Now change the array, and prove it again", total)
    project = output / "digits.yaml"
    steps.show(_pairs([(f"hwq verify {project}", f"after any change to {project}")], steps.width))
    steps.blank()
    steps.heading("Or take a network of your own")
    steps.show(_pairs(_COMMANDS, steps.width))


def _pairs(rows: Sequence[tuple[str, str]], width: int) -> RenderableType:
    """What is on the left, and dimmed on the right what it is; below it where the line is short."""
    left = max(len(name) for name, _ in rows)
    if width - _INDENT - left < _NARROWEST:
        return Text("\n").join(Text.assemble(name, (f"\n  {what}", "dim")) for name, what in rows)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(style="dim")
    for row in rows:
        grid.add_row(*row)
    return grid


def _json(
    network: Network,
    accuracy: _Accuracy,
    report: VerifyReport,
    cpp: VerifyReport | None,
    answers: NDArray[np.integer],
    samples: SampleFile,
    output: Path,
    seconds: dict[str, float],
) -> dict[str, Any]:
    labels = [] if samples.labels is None else samples.labels[: report.samples].tolist()
    return {
        "network": network.name,
        "accuracy": accuracy.rate,
        "samples": accuracy.samples,
        "inferences_per_second": round(accuracy.per_second, 3),
        "match": report.match,
        "simulator": report.simulator.title,
        "verified_samples": report.samples,
        "answers": answers.tolist(),
        "labels": labels,
        "cycles": report.cycles,
        "predicted_cycles": report.predicted_cycles,
        "layers": [run_json(layer) for layer in report.layers],
        "whole_network": run_json(report.network) if report.network else None,
        **({} if cpp is None else {"hls": {"match": cpp.match, "simulator": cpp.simulator.title}}),
        "directory": str(output),
        "seconds": {key: round(value, 3) for key, value in seconds.items()}
        | {"total": round(sum(seconds.values()), 3)},
    }
