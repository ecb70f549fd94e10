"""Whose types the C++ is written in, and what has to be known of those who make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Flavor(StrEnum):
    """Whose types the C++ is written in."""

    PORTABLE = "portable"
    """Standard integers: any C++14 compiler."""

    VITIS = "vitis"
    """ap_int and hls::stream."""

    CATAPULT = "catapult"
    """ac_int and ac_channel."""


@dataclass(frozen=True)
class Vendor:
    """Who makes the types of a flavor.

    Parameters
    ----------
    tool:
        Name of the tool.
    header:
        A header that the types' folder has.
    variable, below:
        Environment variable that the tool's own set-up names its folder by, and where in it the headers are.
    start:
        How the build script is run.
    """

    tool: str
    header: str
    variable: str
    below: str
    start: str

    @property
    def folder(self) -> str:
        """The types' folder, as make writes it."""
        return f"$({self.variable})/{self.below}"


VENDORS: Mapping[Flavor, Vendor] = {
    Flavor.VITIS: Vendor(
        "Vitis HLS",
        "ap_int.h",
        "XILINX_HLS",
        "include",
        "vitis_hls -f build.tcl    # C simulation, synthesis, simulation of the RTL, IP",
    ),
    Flavor.CATAPULT: Vendor(
        "Catapult",
        "ac_int.h",
        "MGC_HOME",
        "shared/include",
        "catapult -shell -file build.tcl    # synthesis",
    ),
}
"""Of the flavors that are not standard C++."""
