"""Verification in Verilator: it passes on what is right, and every fault that is planted makes it fail."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    RequantizerParameters,
)
from hwq.errors import ConfigError, ToolError
from hwq.export.package import VERILOG, Package
from hwq.graph.network import Network
from hwq.toolchain.verilator import trace_format
from hwq.verify.compare import compare_run
from hwq.verify.design import Design, lower_design
from hwq.verify.session import VerifyReport, verify
from hwq.verify.tamper import FAULTS, Fault, Tamper
from hwq.verify.vectors import GoldenRun
from tests.support.convolutions import random_convolution, reaching_network, small_network
from tests.support.designs import SMALL, accelerator, samples, small_design


def run(design: Design, tmp_path: Path, fault: Fault | None = None, count: int = 2) -> VerifyReport:
    return verify(design, samples(design, count), tmp_path, {}, fault=fault)


def edit(old: str, new: str, count: int = 1) -> Fault:
    """A fault in the Verilog: ``count`` places that the regular expression ``old`` matches."""

    def plant(design: Design, package: Package, golden: list[GoldenRun]) -> str:
        path = package.root / VERILOG
        text, found = re.subn(old, new, path.read_text())
        assert found == count, f"{found} places match {old}"
        path.write_text(text)
        return old

    return plant


def test_a_right_design_matches(tmp_path: Path) -> None:
    design = small_design()
    report = run(design, tmp_path)
    assert report.match
    assert [layer.name for layer in report.layers] == ["first", "second", "classes"]
    for layer, program in zip(report.layers, design.program.layers, strict=True):
        assert (layer.mismatches, layer.wrong_cycles, layer.divergence) == (0, (), None)
        assert layer.cycles == program.predicted_cycles
        assert layer.elements == 2 * program.output.elements
    assert report.cycles == sum(program.predicted_cycles for program in design.program.layers)
    assert report.simulator.title.startswith("verilator 5.")
    assert report.network is not None
    assert (report.network.elements, report.network.mismatches) == (14, 0)
    assert report.network.cycles == report.cycles


@pytest.mark.parametrize("tamper", list(Tamper))
def test_every_tamper_is_found(tamper: Tamper, tmp_path: Path) -> None:
    report = run(small_design(), tmp_path, FAULTS[tamper])
    assert not report.match
    assert report.tampered
    assert any(layer.divergence for layer in report.layers)


def test_the_first_divergence_names_place_and_cycle(tmp_path: Path) -> None:
    design = small_design()
    report = run(design, tmp_path, FAULTS[Tamper.GOLDEN])
    layer = design.program.run("first")
    found = report.layers[0].divergence
    assert found is not None
    # Element 90 of [6, 5, 6] in the second sample, which is the last.
    assert (found.run, found.sample, found.row, found.column, found.channel) == ("first", 1, 3, 0, 0)
    assert found.cycle == layer.output_cycle(90)
    assert abs(found.expected - found.actual) == 1
    assert report.layers[0].mismatches == 1


def test_an_accumulator_that_is_a_bit_too_narrow_is_found(tmp_path: Path) -> None:
    network, x = reaching_network(20)
    wide = accelerator(arithmetic=ArithmeticParameters(accumulator_bits=20))
    design = lower_design(network, wide)
    assert verify(design, x, tmp_path / "right", {}).match
    # The sum loses its top bit: bit 18 stands in for it.
    narrow = edit(r"(assign sum_0 = )([^;]*);", r"wire [19:0] whole_0 = \2; \1{ whole_0[18], whole_0[18:0] };")
    report = verify(design, x, tmp_path / "narrow", {}, fault=narrow)
    assert not report.match
    assert report.layers[0].mismatches == 1


@pytest.mark.parametrize(
    "fault,complaint",
    [
        (edit(r"done <= 1'h1", "done <= 1'h0"), r"layer first: not done after \d+ cycles"),
        (edit(r"(read_valid_1 <= )[^;]*;", r"\g<1>1'h0;", 2), "0 of 45 words of activation memory were answered"),
        (
            edit(r"assign beats__ready = [^;]*;", "assign beats__ready = 1'h0;"),
            "load port did not take the words of weights",
        ),
        (edit(r"assign busy = [^;]*;", "assign busy = 1'h1;"), "the load port did not take"),
    ],
    ids=["never done", "reads unanswered", "loads refused", "always busy"],
)
def test_a_design_that_falls_silent_fails(fault: Fault, complaint: str, tmp_path: Path) -> None:
    report = run(small_design(), tmp_path, fault)
    assert not report.match
    assert report.failure is not None
    assert re.search(complaint, report.failure)
    assert all(layer.cycles is None and layer.mismatches == layer.elements for layer in report.layers)


def test_outputs_that_are_never_written_cannot_pass_for_old_ones(tmp_path: Path) -> None:
    # The results unit's write enable is dead: what a run before left in memory would still be right.
    silent = edit(r"(else write__enable <= )valid_8;", r"\g<1>1'h0;")
    report = run(small_design(), tmp_path, silent)
    assert not report.match
    assert all(layer.mismatches > 0 for layer in report.layers)


def test_a_cycle_too_many_is_a_mismatch(tmp_path: Path) -> None:
    # The layer is reported one cycle late.
    late = edit(r"cycles <= next_timer;", "cycles <= next_timer + 1;")
    report = run(small_design(), tmp_path, late)
    assert not report.match
    for layer in report.layers:
        assert layer.mismatches == 0
        assert [count - layer.predicted_cycles for _, count in layer.wrong_cycles] == [1, 1]


def test_a_refused_descriptor_fails(tmp_path: Path) -> None:
    def plant(design: Design, package: Package, golden: list[GoldenRun]) -> str:
        path = package.root / "images/second.descriptors.hex"
        lines = path.read_text().splitlines()
        # Opcode 7 does not exist.
        lines[0] = f"{int(lines[0], 16) & ~15 | 7:016x}"
        path.write_text("\n".join(lines) + "\n")
        return "opcode"

    report = run(small_design(), tmp_path, plant)
    assert report.failure is not None
    assert "layer second: the accelerator refused a descriptor" in report.failure
    assert [layer.match for layer in report.layers] == [True, False, False]


@pytest.mark.parametrize("count", [1, 2])
def test_a_layer_that_the_whole_network_skips_is_found(count: int, tmp_path: Path) -> None:
    def plant(design: Design, package: Package, golden: list[GoldenRun]) -> str:
        path = package.root / "images/whole-network.descriptors.hex"
        lines = path.read_text().splitlines()
        path.write_text("\n".join(lines[:10] + lines[20:]) + "\n")
        return "second"

    report = run(small_design(), tmp_path, plant, count)
    assert not report.match
    assert all(layer.match for layer in report.layers)
    assert report.network is not None
    assert report.network.mismatches > 0
    assert len(report.network.wrong_cycles) == count
    assert str(report.divergence).startswith("whole-network, sample 0, output row 0, column 0, channel ")


def test_a_layer_may_be_called_what_numpy_calls_its_own(tmp_path: Path) -> None:
    network = small_network()
    layers = tuple(
        replace(layer, name=name) for layer, name in zip(network.layers, ("file", "allow_pickle", "run"), strict=True)
    )
    renamed = Network("small", network.tensors, layers, network.input, network.output)
    assert run(lower_design(renamed, SMALL), tmp_path, count=1).match


def test_a_network_with_other_layers_between_is_not_one_run() -> None:
    network = small_network()
    assert lower_design(network, SMALL).program.network is not None
    assert lower_design(network, SMALL, ["first", "second"]).program.network is None
    assert lower_design(network, SMALL, ["second", "classes"]).program.network is None


def test_verilog_that_does_not_compile_is_a_tool_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"verilator failed, so there is no simulator to run: %Error: .*design\.v"):
        run(small_design(), tmp_path, edit(r"module hwq_pe\(", "module hwq_pe(("))


def test_waves(tmp_path: Path) -> None:
    design = small_design()
    trace = trace_format()
    report = verify(design, samples(design), tmp_path, {}, trace=trace)
    assert report.match
    assert report.waveform is not None
    assert report.waveform.stat().st_size > 1000


def test_an_interruption_keeps_the_layers_that_were_done(tmp_path: Path) -> None:
    design = small_design()

    def progress(what: str) -> None:
        if what.startswith("simulating") and "(0 of" not in what:
            raise KeyboardInterrupt

    # Enough samples for the last layers to take longer than a look at the progress.
    report = verify(design, samples(design, 400), tmp_path, {}, progress=progress)
    assert report.interrupted
    assert not report.match
    assert 1 <= len(report.layers) < 3
    assert all(layer.match for layer in report.layers)


def test_unknown_layers_are_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no layer 'frist'; did you mean first\?"):
        lower_design(small_network(), SMALL, ["frist", "second"])


RANDOM = [
    Accelerator(ArrayParameters(4, 4), buffers=BufferParameters(1 << 14, 1 << 14, 64, 8, 7)),
    Accelerator(
        ArrayParameters(3, 5, product_register=False),
        ArithmeticParameters(input_zero_point=InputZeroPoint.SUBTRACTED),
        RequantizerParameters(1),
        BufferParameters(1 << 14, 1 << 14, 64, 8, 64),
    ),
]


def _random_layers(seeds: range, hardware: Accelerator, directory: Path) -> None:
    for seed in seeds:
        design = lower_design(random_convolution(seed), hardware)
        report = verify(design, samples(design, 2, seed), directory / str(seed), {})
        assert report.match, (seed, report.failure, report.layers)


@pytest.mark.parametrize("hardware", RANDOM, ids=["4x4", "3x5"])
def test_random_layers(hardware: Accelerator, tmp_path: Path) -> None:
    _random_layers(range(8), hardware, tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("hardware", RANDOM, ids=["4x4", "3x5"])
def test_many_random_layers(hardware: Accelerator, tmp_path: Path) -> None:
    _random_layers(range(1000, 1200), hardware, tmp_path)


def test_comparison_refuses_to_compare_nothing() -> None:
    layer, no_counts = small_design().program.layers[0], (np.zeros((1, 1, 3), int), np.zeros((1, 0, 3), int))
    with pytest.raises(ValueError, match="layer first"):
        compare_run(layer, np.zeros((1, 180)), np.zeros((1, 179)), [1], *no_counts)
    with pytest.raises(ValueError, match="layer first"):
        compare_run(layer, np.zeros((0, 180)), np.zeros((0, 180)), [], *no_counts)
