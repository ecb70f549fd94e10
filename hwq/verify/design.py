"""What is generated and verified: the layers of a network that run on chip, lowered for an accelerator."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from hwq.arch.accelerator import Accelerator
from hwq.errors import ConfigError
from hwq.graph.layers import Layer, Reshape
from hwq.graph.network import Network
from hwq.schedule.planning import Assignment, assign
from hwq.schedule.program import Program, lower


@dataclass(frozen=True, eq=False)
class Design:
    """A network on an accelerator.

    ``layers`` are those on chip, in order; ``host`` the remaining ones, each with the reason. Reshapes are neither.
    ``assigned`` says of every layer where it is and why.
    """

    network: Network
    program: Program
    layers: tuple[Layer, ...]
    host: tuple[Assignment, ...]
    assigned: tuple[Assignment, ...]


def lower_design(network: Network, accelerator: Accelerator, names: Sequence[str] | None = None) -> Design:
    """Lower the layers called ``names``, or all that an engine takes.

    Raises
    ------
    ConfigError
        When a name is unknown, or names a layer that no engine takes.
    CapacityError
        When a layer does not fit.
    """
    assigned = {layer.name: assign(network, layer, accelerator) for layer in network.layers}
    runs = [found.layer for found in assigned.values() if found.engine]
    if names is not None:
        faults = [fault for name in names if (fault := _fault(assigned, name))]
        if faults:
            raise ConfigError("\n".join(faults))
        runs = [layer for layer in runs if layer.name in names]
    if not runs:
        raise ConfigError(f"network {network.name} has no layer that an engine of this accelerator runs")
    host = tuple(found for found in assigned.values() if not found.engine and not isinstance(found.layer, Reshape))
    return Design(network, lower(network, runs, accelerator), tuple(runs), host, tuple(assigned.values()))


def _fault(assigned: dict[str, Assignment], name: str) -> str | None:
    """What is wrong with asking for layer ``name``."""
    runs = [found.layer.name for found in assigned.values() if found.engine]
    if name in runs:
        return None
    if name in assigned:
        return f"layer {name} stays off the chip: {assigned[name].reason}; on it are {', '.join(runs)}"
    return unknown_name(name, list(assigned))


def unknown_name(name: str, known: Sequence[str]) -> str:
    """What is said of a name that no layer has."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"no layer {name!r}; " + (f"did you mean {close[0]}?" if close else f"layers are {', '.join(known)}")
