"""Reading nextpnr's report: clocks and paths by the names that the design has for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hwq.synth.timing import named_signal, read_timing


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("array_engine.drain.block[0]", "array_engine.drain.block[0]"),
        ("array_engine.drain.block_TRELLIS_FF_Q_1_DI_LUT4_Z_C_CCU2C_S1$CCU2_COMB0", "array_engine.drain.block"),
        ("array_engine.drain.read_enable_SB_DFFESR_Q_D_SB_LUT4_O_LC", "array_engine.drain.read_enable"),
        ("results.requantizer_0.outer_MULT18X18D_P", "results.requantizer_0.outer"),
        ("sum_DFFR_Q_7_D_ALU_SUM_COUT", "sum"),
        ("rst$TRELLIS_IO_IN", "rst"),
        # Nothing of the design is left in it.
        ("$abc$1234$lut", "$abc$1234$lut"),
    ],
)
def test_signals(name: str, signal: str) -> None:
    assert named_signal(name) == signal


def _step(kind: str, delay: float, cell: str, net: str | None = None) -> dict[str, Any]:
    place = {"cell": cell, "loc": [1, 2], "port": "Q"}
    step = {"type": kind, "delay": delay, "from": place, "to": place}
    return step if net is None else {**step, "net": net, "sources": ["small.v:1.2-3"]}


#: As nextpnr-ecp5 0.11 writes it.
_REPORT: dict[str, Any] = {
    "fmax": {"$glbnet$clk$TRELLIS_IO_IN": {"achieved": 81.67265319824219, "constraint": 100}},
    "utilization": {"DP16KD": {"available": 56, "used": 11}},
    "critical_paths": [
        {
            "from": "posedge $glbnet$clk$TRELLIS_IO_IN",
            "to": "posedge $glbnet$clk$TRELLIS_IO_IN",
            "path": [
                _step("clk-to-q", 0.5, "drain.block_TRELLIS_FF_Q"),
                _step("routing", 1.0, "drain.block_TRELLIS_FF_Q_1_DI_LUT4_Z", "drain.block[0]"),
                _step("logic", 0.25, "drain.block_TRELLIS_FF_Q_1_DI_LUT4_Z"),
                _step("routing", 2.0, "drain.pixel_TRELLIS_FF_Q", "drain.pixel_TRELLIS_FF_Q_CE"),
                _step("setup", 0.0, "drain.pixel_TRELLIS_FF_Q"),
            ],
        },
        {
            "from": "<async>",
            "to": "posedge $glbnet$clk$TRELLIS_IO_IN",
            "path": [_step("source", 0, "rst$tr_io"), _step("routing", 9.0, "start_LUT4_B", "rst$TRELLIS_IO_IN")],
        },
        {"from": "posedge $glbnet$clk$TRELLIS_IO_IN", "to": "<async>", "path": [_step("clk-to-q", 0.5, "done")]},
        {"from": "<async>", "to": "<async>", "path": [_step("source", 0, "rst$tr_io")]},
    ],
}


def test_a_report() -> None:
    timing = read_timing(json.dumps(_REPORT))
    assert timing.fmax_mhz == {"clk": 81.67265319824219}
    assert list(timing.paths) == ["clk"]
    path = timing.paths["clk"]
    assert (path.clock, path.start, path.end, path.delay_ns) == ("clk", "drain.block", "drain.pixel", 3.75)
    assert [step.net for step in path.steps] == ["", "drain.block[0]", "", "drain.pixel_TRELLIS_FF_Q_CE", ""]
    assert path.signals == (("drain.block", 0.5), ("drain.block[0]", 1.5), ("drain.block", 1.75), ("drain.pixel", 3.75))


@pytest.mark.parametrize("clock", ["$iopadmap$clk", "clk$SB_IO_IN_$glb_clk", "$glbnet$clk$TRELLIS_IO_IN", "memory.clk"])
def test_clocks_have_the_names_of_their_ports(clock: str) -> None:
    report = {"fmax": {clock: {"achieved": 1.0, "constraint": 2.0}}, "critical_paths": []}
    assert read_timing(json.dumps(report)).fmax_mhz == {"clk": 1.0}
