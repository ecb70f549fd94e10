"""What can be started: one layer, or a whole network; its steps, where its tensors lie, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwq.schedule.engines.array import ArrayPlan
from hwq.schedule.losses import add_up
from hwq.schedule.plans import CycleCount, Plan

WHOLE = "whole-network"
"""Name of the run of a whole network; no layer can be called that."""


def run_title(name: str) -> str:
    """A run as messages call it."""
    return name if name == WHOLE else f"layer {name}"


@dataclass(frozen=True)
class Placed:
    """A tensor in activation memory: ``base`` is the address of its first element, a multiple of a word."""

    tensor: str
    base: int
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Codes in it."""
        count = 1
        for size in self.shape:
            count *= size
        return count


@dataclass(frozen=True, eq=False)
class Step:
    """One layer on chip: its plans and their descriptors, fields by name, one for each plan."""

    layer: str
    engine: str
    plans: tuple[Plan, ...]
    descriptors: tuple[Mapping[str, int], ...]
    inputs: tuple[Placed, ...]
    output: Placed
    cycles: tuple[CycleCount, ...]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(plan.macs for plan in self.plans)

    @property
    def passes(self) -> int:
        """Times that a tile of weights crosses the array; 0 on other engines."""
        return sum(getattr(plan, "passes", 0) for plan in self.plans)

    @property
    def predicted_cycles(self) -> int:
        """Cycles of all its descriptors."""
        return sum(count.total for count in self.cycles)

    def output_cycle(self, element: int) -> int:
        """Cycle, from the start of the step, in which output ``element`` (in memory order) is written."""
        before = 0
        for plan, count in zip(self.plans, self.cycles, strict=True):
            cycle = plan.output_cycle(element)
            if cycle is not None:
                return before + cycle
            before += count.total
        raise IndexError(f"layer {self.layer} writes no element {element}")


@dataclass(frozen=True, eq=False)
class Run:
    """Steps by one START, one after the other: a layer is a run of one step, a whole network a run of all.

    ``inputs`` are what the host loads, ``output`` is what it reads.
    """

    name: str
    steps: tuple[Step, ...]
    inputs: tuple[Placed, ...]
    output: Placed

    @property
    def whole(self) -> bool:
        """Whether it is the whole network's."""
        return self.name == WHOLE

    @property
    def title(self) -> str:
        """The run as messages call it."""
        return run_title(self.name)

    @property
    def descriptors(self) -> list[Mapping[str, int]]:
        """Those of all steps, without END."""
        return [fields for step in self.steps for fields in step.descriptors]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(step.macs for step in self.steps)

    @property
    def multipliers(self) -> int:
        """Multipliers of the array."""
        array = self.steps[0].plans[0].accelerator.array
        return array.rows * array.columns

    @property
    def predicted_cycles(self) -> int:
        """Cycles from START to the last output written."""
        return sum(step.predicted_cycles for step in self.steps)

    @property
    def utilization(self) -> float:
        """Part of the array's multiplications that are the run's own."""
        return self.macs / (self.predicted_cycles * self.multipliers)

    @property
    def cycles(self) -> CycleCount:
        """The predicted cycles by cause."""
        counts = [count for step in self.steps for count in step.cycles]
        causes = ("fetch", "load", "issue", "wait", "tail")
        return CycleCount(*(sum(getattr(count, cause) for count in counts) for cause in causes))

    @property
    def causes(self) -> dict[str, int]:
        """The predicted cycles by what they go to (`losses.CAUSES`); they add up to all of them."""
        return add_up(
            (count, plan.issue() if isinstance(plan, ArrayPlan) else {})
            for step in self.steps
            for plan, count in zip(step.plans, step.cycles, strict=True)
        )

    def output_cycle(self, element: int) -> int:
        """Cycle, counted from START, in which element ``element`` of the output, in memory order, is written."""
        return sum(step.predicted_cycles for step in self.steps[:-1]) + self.steps[-1].output_cycle(element)
