"""Small designs through the real tools: what they take, how fast they are, and that a device can be too small."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.errors import ToolError
from hwq.synth.synthesis import Synthesis, find_tools, synthesize
from hwq.synth.targets import TARGETS, TargetName
from hwq.toolchain.cache import cache_entries
from tests.synth.designs import TOP, verilog

PLACED = [TargetName.ECP5_25K, TargetName.ICE40UP5K, TargetName.GOWIN]
MAPPED = [TargetName.XILINX7, TargetName.XILINXUP]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_CACHE", str(tmp_path / "cache"))


def run(name: TargetName, products: int = 1) -> Synthesis:
    target = TARGETS[name]
    try:
        find_tools(target)
    except ToolError as error:
        pytest.skip(str(error))
    return synthesize(verilog(products), TOP, target, lambda what: None)


def counts(found: Synthesis) -> dict[str, int]:
    return {key: used.used for key, used in found.usage.items()}


@pytest.mark.parametrize("name", PLACED)
def test_a_design_that_is_placed(name: TargetName) -> None:
    found = run(name)
    assert found.fits and not found.shortages and not found.cached
    # Of 18 kbit each, and of 4 in the small one.
    assert (counts(found)["bram"], counts(found)["dsp"]) == (4 if name is TargetName.ICE40UP5K else 1, 1)
    assert counts(found)["lut"] > 0 and counts(found)["ff"] > 0
    assert all(used.available > 0 for used in found.usage.values())
    assert found.timing is not None
    assert set(found.timing.fmax_mhz) == set(found.timing.paths) == {"clk"}
    path = found.timing.paths["clk"]
    # The slowest path is what the frequency comes from, to what nextpnr writes of its digits.
    assert round(1000 / path.delay_ns, 1) == round(found.timing.fmax_mhz["clk"], 1)
    assert path.steps[0].kind == "clk-to-q" and path.steps[-1].kind == "setup"
    ends = {end.partition(".")[0] for end in (path.start, path.end)}
    assert ends <= {"left", "right", "address", "sum", "value", "memory"}


def test_the_same_again_is_from_cache_and_the_same_anew() -> None:
    first, second = run(TargetName.ECP5_25K), run(TargetName.ECP5_25K)
    assert second.cached and second.seconds == 0
    assert (second.usage, second.timing, second.cells) == (first.usage, first.timing, first.cells)
    assert {entry.kind for entry in cache_entries()} == {"netlists", "placements"}
    # Devices of a family share what was mapped.
    run(TargetName.ECP5_45K)
    assert sorted(entry.kind for entry in cache_entries()) == ["netlists", "placements", "placements"]


def test_the_same_anew_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(TargetName.ICE40UP5K)
    monkeypatch.setenv("HWQ_CACHE", str(tmp_path / "another"))
    second = run(TargetName.ICE40UP5K)
    assert not second.cached
    assert (second.usage, second.timing, second.cells) == (first.usage, first.timing, first.cells)


@pytest.mark.parametrize("name", MAPPED)
def test_a_design_that_is_counted(name: TargetName) -> None:
    found = run(name)
    assert found.fits and found.timing is None
    # Half a RAMB36, of which one is the least.
    assert (counts(found)["bram"], counts(found)["dsp"]) == (1, 1)
    assert counts(found)["lut"] + counts(found)["ff"] > 0
    assert [tool.name for tool in found.tools] == ["yosys"]


def test_a_device_that_is_too_small() -> None:
    found = run(TargetName.ICE40UP5K, products=9)
    assert not found.fits and found.timing is None
    assert [(used.name, used.used, used.available) for used in found.shortages] == [("MAC16", 9, 8)]
    # A result like any other.
    assert run(TargetName.ICE40UP5K, products=9).cached
