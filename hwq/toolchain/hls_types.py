"""Finding the integer types of vendors' tools for HLS, which C++ for those tools is compiled with."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Mapping
from pathlib import Path

from hwq.hls.flavors import VENDORS, Flavor
from hwq.toolchain.tools import MissingError, Tool

_WHEEL = "hls4ml"

#: Where the wheel has them.
_FOLDERS: Mapping[Flavor, str] = {
    Flavor.VITIS: "hls4ml/templates/vivado/ap_types",
    Flavor.CATAPULT: "hls4ml/templates/catapult/ac_types/include",
}


def find_types(flavor: Flavor) -> Tool:
    """The vendor's headers: those of the tool itself where its set-up names it, else the ones in the wheel hls4ml.

    Returns
    -------
    A tool without a command, whose origin is the folder.

    Raises
    ------
    MissingError
        When neither is there.
    """
    vendor = VENDORS[flavor]
    home = os.environ.get(vendor.variable)
    if home:
        folder = Path(home) / vendor.below
        if (folder / vendor.header).is_file():
            return Tool(vendor.tool, "", str(folder), ())
    try:
        wheel = importlib.metadata.distribution(_WHEEL)
    except importlib.metadata.PackageNotFoundError:
        wheel = None
    if wheel is not None:
        folder = Path(str(wheel.locate_file(_FOLDERS[flavor])))
        if (folder / vendor.header).is_file():
            return Tool(_WHEEL, wheel.version, str(folder), ())
    raise MissingError(
        f"{vendor.header} of {vendor.tool}",
        f"pip install 'hwq[hls]', whose hls4ml has it, or set {vendor.variable} to the tool's folder",
    )
