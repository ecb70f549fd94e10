"""The order in which a layer's products are added: what sums that may leave their width depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwq.arch.accelerator import Accelerator
from hwq.graph.network import Network
from hwq.numeric.accumulation import Accumulation
from hwq.numeric.formats import INT8, IntFormat
from hwq.numeric.requantization import Requantization
from hwq.schedule.planning import assign

DOUBLE = Requantization()
"""Contract ``double``."""


@dataclass(frozen=True)
class OrderedSum:
    """How an accelerator sums the products of one output of a layer, and scales the sum.

    Parameters
    ----------
    accumulation:
        Widths, and what becomes of sums beyond them.
    passes:
        Products of each pass. Their order is that of the weights of an output channel: kernel rows, then columns, then
        input channels.
    subtracted:
        Whether operands are codes less zero-point, or the codes themselves.
    requantization:
        How sums become codes.
    codes:
        What becomes of them that does not fit is ``requantization``'s to say.
    """

    accumulation: Accumulation
    passes: tuple[int, ...]
    subtracted: bool
    requantization: Requantization = DOUBLE
    codes: IntFormat = INT8


def ordered_sums(network: Network, accelerator: Accelerator) -> Mapping[str, OrderedSum]:
    """By name, how the layers of ``network`` that run on the accelerator and accumulate do it."""
    found = {}
    for layer in network.layers:
        # Groups of one layer are cut alike.
        for plan in assign(network, layer, accelerator).plans[:1]:
            if passes := plan.passes_of_output():
                found[layer.name] = OrderedSum(
                    accelerator.accumulation,
                    passes,
                    accelerator.subtracted,
                    accelerator.requantization,
                    accelerator.activation,
                )
    return found
