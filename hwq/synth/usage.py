"""What a design takes of a device: of cells that Yosys counted, and places that nextpnr did."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from hwq.synth.targets import Resource, Target


@dataclass(frozen=True)
class Usage:
    """How many of a resource are taken, and how many the device has; ``name`` is the data sheet's."""

    name: str
    used: int
    available: int

    @property
    def fits(self) -> bool:
        """Whether there are enough."""
        return self.used <= self.available


def usage(target: Target, cells: Mapping[str, int], places: Mapping[str, tuple[int, int]]) -> dict[str, Usage]:
    """By resource what is taken of a device.

    Parameters
    ----------
    target:
        The device.
    cells:
        Cells by Yosys' kinds.
    places:
        Taken and available by nextpnr's kinds; empty where nothing was placed.
    """
    return {key: _usage(resource, cells, places) for key, resource in target.resources.items()}


def _usage(resource: Resource, cells: Mapping[str, int], places: Mapping[str, tuple[int, int]]) -> Usage:
    if not resource.sites:
        parts = [
            count * weight
            for kind, weight in resource.cells.items()
            for cell, count in cells.items()
            if re.fullmatch(kind, cell)
        ]
        return Usage(resource.name, math.ceil(sum(parts)), resource.available)
    first = next(iter(resource.sites))
    used = sum(places[site][0] * weight for site, weight in resource.sites.items() if site in places)
    return Usage(resource.name, math.ceil(used), places[first][1])
