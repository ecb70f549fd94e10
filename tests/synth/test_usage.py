"""What counts as what, by the cells that Yosys and the places that nextpnr tell of."""

from __future__ import annotations

import pytest

from hwq.synth.targets import TARGETS, TargetName
from hwq.synth.usage import Usage, usage


def test_every_name_has_its_target() -> None:
    assert {name: target.name for name, target in TARGETS.items()} == {name: name for name in TargetName}
    assert all({"lut", "ff", "bram", "dsp"} <= set(target.resources) for target in TARGETS.values())


def test_xilinx_counts_tables_of_memories_and_halves_of_block_ram() -> None:
    cells = {
        "LUT1": 1,
        "LUT6": 2,
        "SRL16E": 3,
        "RAM64M": 5,
        "INV": 7,
        "FDRE": 11,
        "FDSE": 1,
        "RAMB36E1": 2,
        "RAMB18E1": 3,
    }
    assert usage(TARGETS[TargetName.XILINX7], {**cells, "DSP48E1": 241, "$scopeinfo": 9}, {}) == {
        "lut": Usage("LUT6", 1 + 2 + 3 + 4 * 5, 63_400),
        "ff": Usage("FF", 12, 126_800),
        "bram": Usage("RAMB36", 4, 135),
        "dsp": Usage("DSP48", 241, 240),
    }


def test_gowin_adders_take_lookup_tables_and_small_products_half_a_multiplier() -> None:
    places = {"LUT4": (4028, 20736), "ALU": (1174, 15552), "DFF": (3096, 15552), "BSRAM": (11, 46)}
    places |= {"MULT18X18": (4, 48), "MULT9X9": (3, 96), "GND": (1, 1)}
    found = usage(TARGETS[TargetName.GOWIN], {}, places)
    assert (found["lut"], found["dsp"]) == (Usage("LUT4", 5202, 20736), Usage("MULT18", 6, 48))


@pytest.mark.parametrize(("used", "fits"), [(8, True), (9, False)])
def test_ice40_takes_registers_from_yosys(used: int, fits: bool) -> None:
    places = {"ICESTORM_LC": (10, 5280), "ICESTORM_RAM": (1, 30), "ICESTORM_SPRAM": (0, 4), "ICESTORM_DSP": (used, 8)}
    found = usage(TARGETS[TargetName.ICE40UP5K], {"SB_DFF": 3, "SB_DFFESR": 4, "SB_LUT4": 9}, places)
    assert (found["ff"], found["dsp"].fits) == (Usage("FF", 7, 5280), fits)
