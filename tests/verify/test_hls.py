"""C++ against the emulator: whole networks, and the faults that have to be found."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters
from hwq.errors import ToolError
from hwq.graph.inputs import random_samples
from hwq.hls.flavors import Flavor
from hwq.numeric.requantization import CONTRACTS
from hwq.numeric.requantize import Contract
from hwq.verify import hls
from hwq.verify.compare import compare_codes
from hwq.verify.hls import hls_design, verify_hls
from hwq.verify.session import VerifyReport
from tests.support.contracts import accelerator, powers_of_two
from tests.support.convolutions import small_network
from tests.support.designs import SMALL
from tests.support.operands import asymmetric, with_codes
from tests.support.random_networks import random_network

NETWORK = small_network()

#: The second rounding's half is left out.
ROUNDS_DOWN = ("include/hwq_requantize.h", "(integer<34>(1) << (bits - 1))", "0")


#: Layers that accumulate, and a function.
PRODUCTS = {"conv": 3, "depthwise": 2, "activate": 1}


def run(directory: Path, **options: object) -> VerifyReport:
    x = np.random.default_rng(3).integers(-128, 128, (3, *NETWORK.tensors[NETWORK.input].shape)).astype(np.int8)
    return verify_hls(hls_design(NETWORK, SMALL), Flavor.PORTABLE, x, directory, **options)  # type: ignore[arg-type]


def spoil(monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str) -> None:
    """Have the C++ written with a fault."""

    before = hls.project_files

    def faulty(*arguments: object) -> dict[str, str]:
        files = before(*arguments)  # type: ignore[arg-type]
        assert old in files[file]
        return files | {file: files[file].replace(old, new, 1)}

    monkeypatch.setattr(hls, "project_files", faulty)


def test_every_layer_and_the_whole_network_match(tmp_path: Path) -> None:
    report = run(tmp_path)
    assert report.match
    assert [layer.name for layer in report.layers] == [layer.name for layer in NETWORK.layers]
    assert [layer.elements for layer in report.layers] == [3 * elements for elements in (180, 60, 7)]
    assert report.network is not None and report.network.elements == 21
    assert report.network.macs == sum(layer.macs for layer in report.layers) > 0
    assert (report.cycles, report.predicted_cycles) == (None, None)
    assert report.simulator.title.endswith(", portable types")
    assert (tmp_path / "src").is_dir() and (tmp_path / "outputs").is_dir()


def test_some_layers(tmp_path: Path) -> None:
    report = run(tmp_path, names=["second"])
    assert report.match and [layer.name for layer in report.layers] == ["second"] and report.network is None


def test_the_first_difference_has_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, *ROUNDS_DOWN)
    report = run(tmp_path)
    assert not report.match and report.failure is None
    first = report.divergence
    assert first is not None and first.cycle is None and first.expected != first.actual
    assert str(first).startswith(f"layer {first.run}, sample {first.sample}, output row {first.row}, column ")
    assert "cycle" not in str(first)


def test_a_layer_that_writes_nothing_is_no_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path)
    spoil(monkeypatch, "src/constants/classes.h", "vectors = 1", "vectors = 0")
    report = run(tmp_path)
    assert not report.match
    assert report.failure == "FAIL: classes left a part of its input unread"
    # The results of the run before are gone.
    assert all(layer.mismatches == layer.elements for layer in report.layers)


def test_a_testbench_that_fails_on_right_outputs_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, "include/hwq_bench.h", "if (wrong_) {", "if (true) {")
    with pytest.raises(ToolError, match="ended with 1, but its outputs say otherwise"):
        run(tmp_path)


def test_a_testbench_that_passes_wrong_outputs_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, *ROUNDS_DOWN)
    spoil(monkeypatch, "include/hwq_bench.h", "if (wrong_) {", "if (false) {")
    with pytest.raises(ToolError, match="ended with 0, but its outputs say otherwise"):
        run(tmp_path)


def test_what_does_not_compile_is_the_compilers_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(monkeypatch, "src/small.cpp", "namespace layers {", "namespace layers { nonsense;")
    with pytest.raises(ToolError, match=r"^the C\+\+ does not compile: .*nonsense"):
        run(tmp_path)


def test_codes_without_a_clock_need_something_to_compare() -> None:
    with pytest.raises(ValueError, match="layer a: "):
        compare_codes("a", (2,), 0, np.zeros((1, 2)), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="layer a: "):
        compare_codes("a", (2,), 0, np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.mark.parametrize("seed", [0, 3, 8])
def test_networks_of_narrow_codes_match(seed: int, tmp_path: Path) -> None:
    network = with_codes(random_network(seed), (4, 6, 2))
    design = hls_design(network, Accelerator())
    assert verify_hls(design, Flavor.PORTABLE, random_samples(network, 2, seed), tmp_path).match


@pytest.mark.parametrize(("seed", "width", "bits"), [(1, 8, 9), (5, 16, 16)])
def test_networks_of_wide_weights_match(seed: int, width: int, bits: int, tmp_path: Path) -> None:
    network = asymmetric(random_network(seed), seed, width)
    design = hls_design(network, Accelerator(arithmetic=ArithmeticParameters(weight_bits=bits)))
    assert verify_hls(design, Flavor.PORTABLE, random_samples(network, 2, seed), tmp_path).match


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("contract", CONTRACTS)
def test_networks_under_every_contract_match(contract: Contract, seed: int, tmp_path: Path) -> None:
    """With sums that begin with the bias or not, and outputs that wrap and saturate; seeds draw what they do."""
    seed += 2
    network, hardware = random_network(seed, PRODUCTS), accelerator(contract, random.Random(seed))
    if contract is Contract.SHIFT:
        network = powers_of_two(network)
    design = hls_design(network, hardware)
    assert verify_hls(design, Flavor.PORTABLE, random_samples(network, 2, seed), tmp_path).match
