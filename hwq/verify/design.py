"""What is generated and verified: the layers of a network that the array runs, lowered for an accelerator."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from hwq.arch.accelerator import Accelerator
from hwq.errors import ConfigError
from hwq.graph.layers import Conv2D, Dense, Layer
from hwq.graph.network import Network
from hwq.schedule.program import Program, lower


@dataclass(frozen=True, eq=False)
class Design:
    """A network on an accelerator.

    ``layers`` are those the array runs, in order; ``others`` the network's remaining ones, which it does not.
    """

    network: Network
    program: Program
    layers: tuple[Conv2D | Dense, ...]
    others: tuple[Layer, ...]


def lower_design(network: Network, accelerator: Accelerator, names: Sequence[str] | None = None) -> Design:
    """Lower the layers called ``names``, or all that the array runs.

    Raises
    ------
    ConfigError
        When a name is unknown, or names a layer that the array does not run.
    CapacityError
        When a layer does not fit.
    """
    runs = [layer for layer in network.layers if isinstance(layer, Conv2D | Dense)]
    if names is not None:
        faults = [fault for name in names if (fault := _fault(network, name))]
        if faults:
            raise ConfigError("\n".join(faults))
        runs = [layer for layer in runs if layer.name in names]
    if not runs:
        raise ConfigError(f"network {network.name} has no convolution or dense layer for the array to run")
    others = tuple(layer for layer in network.layers if not isinstance(layer, Conv2D | Dense))
    return Design(network, lower(network, runs, accelerator), tuple(runs), others)


def _fault(network: Network, name: str) -> str | None:
    """What is wrong with asking for layer ``name``."""
    known = {layer.name: layer for layer in network.layers}
    runs = [layer.name for layer in network.layers if isinstance(layer, Conv2D | Dense)]
    if name in runs:
        return None
    if name in known:
        return f"layer {name} is {known[name].op}, which the array does not run; it runs {', '.join(runs)}"
    close = difflib.get_close_matches(name, known, n=1)
    return f"no layer {name!r}; " + (f"did you mean {close[0]}?" if close else f"layers are {', '.join(known)}")
