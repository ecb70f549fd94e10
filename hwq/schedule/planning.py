"""Which engine runs each layer of a network, or why it stays the host's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines import PARAMETERS
from hwq.graph.layers import (
    Activation,
    Add,
    Concatenation,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Layer,
    Mean,
    Pad,
    Pool2D,
    Requantize,
    Reshape,
)
from hwq.graph.network import Network
from hwq.schedule.engines.array import plan_array
from hwq.schedule.engines.depthwise import plan_depthwise
from hwq.schedule.engines.elementwise import plan_elementwise
from hwq.schedule.engines.pooling import plan_pooling
from hwq.schedule.engines.table import plan_table
from hwq.schedule.plans import Plan

Planner = Callable[[Network, Layer, Accelerator], "tuple[Plan, ...] | str"]

PLANNERS: Mapping[type[Layer], tuple[tuple[str, Planner], ...]] = {
    Conv2D: (("array", plan_array),),
    Dense: (("array", plan_array),),
    DepthwiseConv2D: (("depthwise", plan_depthwise), ("array", plan_array)),
    Add: (("elementwise", plan_elementwise),),
    Activation: (("table", plan_table),),
    **dict.fromkeys((Pool2D, Mean, Pad, Concatenation, Requantize), (("pooling", plan_pooling),)),
}
"""For each layer type the engines that may take it, the best first."""


@dataclass(frozen=True, eq=False)
class Assignment:
    """A layer on an engine, or with the host: then ``plans`` is empty.

    ``reason`` says why it is with the host, or why no better engine runs it; empty where the best one does.
    """

    layer: Layer
    engine: str | None
    plans: tuple[Plan, ...]
    reason: str

    @property
    def place(self) -> str:
        """Who runs it, as tables say it; nobody has to run a reshape."""
        return self.engine or ("" if isinstance(self.layer, Reshape) else "host")


def assign(network: Network, layer: Layer, accelerator: Accelerator) -> Assignment:
    """Plan ``layer`` on the first engine that is built and takes it."""
    if isinstance(layer, Reshape):
        return Assignment(layer, None, (), "the same codes in the same place")
    reasons = []
    for engine, planner in PLANNERS.get(type(layer), ()):
        if engine not in accelerator.engines:
            misfit = accelerator.misfit(engine)
            reasons.append(f"there is no {engine} engine" + (f": {misfit}" if misfit else ""))
            continue
        found = planner(network, layer, accelerator)
        if not isinstance(found, str):
            return Assignment(layer, engine, found, "; ".join(reasons))
        reasons.append(found)
    return Assignment(layer, None, (), "; ".join(reasons) or f"no engine runs {layer.op}")


def with_engines(network: Network, accelerator: Accelerator, names: Iterable[str]) -> Accelerator:
    """``accelerator`` with those of the engines ``names`` that a layer of ``network`` runs on, by their defaults."""
    lacking = [name for name in names if name not in accelerator.engines and not accelerator.misfit(name)]
    missing: dict[str, Any] = {name: PARAMETERS[name]() for name in lacking}
    most = replace(accelerator, **missing)
    used = {assign(network, layer, most).engine for layer in network.layers}
    return replace(accelerator, **{name: made for name, made in missing.items() if name in used})


def reasons(assigned: Iterable[Assignment]) -> list[str]:
    """A line for every layer that is not on the best engine: where it is, and why."""
    return [
        f"{found.layer.name} {'is left to the host' if found.engine is None else f'runs on the {found.engine}'}: "
        f"{found.reason}"
        for found in assigned
        if found.reason and found.place
    ]
