"""The FPGAs that designs are synthesized for: how, and what counts as lookup table, register, memory or multiplier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

#: What every placement is asked for, in MHz: it works towards that, and tells what it reached.
CLOCK_MHZ = 100

#: Where placement starts: the same seed gives the same result.
_SEED = 1


class TargetName(StrEnum):
    """Names of targets, as users write them."""

    ECP5_25K = "ecp5-25k"
    ECP5_45K = "ecp5-45k"
    ECP5_85K = "ecp5-85k"
    ICE40UP5K = "ice40up5k"
    GOWIN = "gowin"
    XILINX7 = "xilinx7"
    XILINXUP = "xilinxup"


@dataclass(frozen=True)
class Resource:
    """Something that a device has a number of.

    Parameters
    ----------
    name:
        What it is called in the device's data sheet.
    sites:
        nextpnr's kinds of places that count, and how much of one each is; the device has as many as of the first kind.
    cells:
        Yosys' kinds of cells that count, and how much of one each is; for what nextpnr does not tell.
    available:
        How many the device has, where nextpnr does not tell.
    """

    name: str
    sites: Mapping[str, float] = field(default_factory=dict)
    cells: Mapping[str, float] = field(default_factory=dict)
    available: int = 0


@dataclass(frozen=True)
class Placer:
    """How nextpnr is started for a device: its architecture, arguments, and files that they name."""

    architecture: str
    arguments: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def command(self) -> tuple[str, ...]:
        """All the arguments. A clock that is not reached is a result, no failure."""
        return (*self.arguments, "--freq", str(CLOCK_MHZ), "--seed", str(_SEED), "--timing-allow-fail")


@dataclass(frozen=True)
class Target:
    """A device.

    Parameters
    ----------
    name:
        How users name it.
    device:
        The part that limits and speeds are of.
    synthesis:
        Yosys' command for it.
    resources:
        What is counted, by ``lut``, ``ff``, ``bram``, ``dsp`` and the like.
    placer:
        What places it; ``None`` where nothing open does, so that cells are counted and there is no clock.
    finish:
        Yosys' command that puts buffers on clock and reset, where nextpnr does not.
    """

    name: TargetName
    device: str
    synthesis: str
    resources: Mapping[str, Resource]
    placer: Placer | None = None
    finish: str = ""


def _ecp5(name: TargetName, device: str, size: str) -> Target:
    arguments = (size, "--package", "CABGA381", "--speed", "6", "--lpf-allow-unconstrained")
    resources = {
        "lut": Resource("LUT4", {"TRELLIS_COMB": 1}),
        "ff": Resource("FF", {"TRELLIS_FF": 1}),
        "bram": Resource("EBR", {"DP16KD": 1}),
        "dsp": Resource("MULT18", {"MULT18X18D": 1}),
    }
    return Target(name, device, "synth_ecp5", resources, Placer("ecp5", arguments))


_ICE40 = Target(
    TargetName.ICE40UP5K,
    "iCE40UP5K-SG48",
    "synth_ice40 -device u -dsp -spram",
    {
        "lut": Resource("LC", {"ICESTORM_LC": 1}),
        # Each lies in a logic cell, beside a lookup table or alone.
        "ff": Resource("FF", cells={r"SB_DFF\w*": 1}, available=5280),
        "bram": Resource("EBR", {"ICESTORM_RAM": 1}),
        "spram": Resource("SPRAM", {"ICESTORM_SPRAM": 1}),
        "dsp": Resource("MAC16", {"ICESTORM_DSP": 1}),
    },
    Placer("ice40", ("--up5k", "--package", "sg48", "--pcf-allow-unconstrained")),
)

_GOWIN = Target(
    TargetName.GOWIN,
    "GW2A-LV18PG256C8/I7",
    "synth_gowin -family gw2a -noiopads",
    {
        # Each bit of an adder takes the place of a lookup table.
        "lut": Resource("LUT4", {"LUT4": 1, "ALU": 1}),
        "ff": Resource("FF", {"DFF": 1}),
        "bram": Resource("BSRAM", {"BSRAM": 1}),
        "dsp": Resource("MULT18", {"MULT18X18": 1, "MULT9X9": 0.5}),
    },
    Placer(
        "himbaechel-gowin",
        ("--device", "GW2A-LV18PG256C8/I7", "--vopt", "family=GW2A-18", "--vopt", "cst=pins.cst"),
        {"pins.cst": 'IO_LOC "clk" H11;\nIO_LOC "rst" T3;\n'},
    ),
    finish="iopadmap -bits -inpad IBUF O:I",
)


def _xilinx(name: TargetName, device: str, family: str, available: tuple[int, int, int, int]) -> Target:
    # Memories of lookup tables, in tables of the slice: UG474 and UG574, "Distributed RAM".
    tables = {r"LUT[1-6]": 1, r"SRL\w+": 1, "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8}
    tables |= {"RAM32X1S": 1, "RAM64X1S": 1, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1S": 2, "RAM128X1D": 4}
    tables |= {"RAM256X1S": 4, "RAM256X1D": 8, "RAM512X1S": 8, "RAM32X16DR8": 8, "RAM64X8SW": 8}
    lut, ff, bram, dsp = available
    resources = {
        "lut": Resource("LUT6", cells=tables, available=lut),
        "ff": Resource("FF", cells={r"FD[RSCP]E": 1}, available=ff),
        "bram": Resource("RAMB36", cells={r"RAMB36E\d": 1, r"RAMB18E\d": 0.5}, available=bram),
        "dsp": Resource("DSP48", cells={r"DSP48E\d": 1}, available=dsp),
    }
    return Target(name, device, f"synth_xilinx -family {family} -flatten -noiopad", resources)


TARGETS: Mapping[TargetName, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            _ecp5(TargetName.ECP5_25K, "LFE5U-25F-6BG381C", "--25k"),
            _ecp5(TargetName.ECP5_45K, "LFE5U-45F-6BG381C", "--45k"),
            _ecp5(TargetName.ECP5_85K, "LFE5U-85F-6BG381C", "--85k"),
            _ICE40,
            _GOWIN,
            # Limits: DS180 and DS891.
            _xilinx(TargetName.XILINX7, "XC7A100T", "xc7", (63_400, 126_800, 135, 240)),
            _xilinx(TargetName.XILINXUP, "XCZU3EG", "xcup", (70_560, 141_120, 216, 360)),
        )
    }
)
"""The targets by name."""
