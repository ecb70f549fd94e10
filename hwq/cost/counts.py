"""What an inference does, counted from its schedule: operations, and accesses of every memory; exact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from hwq.arch import isa
from hwq.arch.engines.table import ENTRIES
from hwq.schedule.engines.array import ArrayPlan
from hwq.schedule.engines.depthwise import DepthwisePlan
from hwq.schedule.engines.elementwise import ElementwisePlan
from hwq.schedule.engines.pooling import PoolingPlan
from hwq.schedule.engines.table import TablePlan
from hwq.schedule.plans import Plan
from hwq.schedule.runs import Run, Step


class Memory(StrEnum):
    """The memories of an accelerator."""

    ACTIVATIONS = "activations"
    WEIGHTS = "weights"
    RECORDS = "records"
    DESCRIPTORS = "descriptors"
    ACCUMULATORS = "accumulators"
    LINES = "lines"
    """Rows of an image above the one that is streamed, in the depthwise engine."""

    TABLES = "tables"
    """A table for each lane, in the table engine."""

    BIASES = "biases"
    """Where accumulators begin with the bias: those of records once more, in engines that accumulate."""


class Operation(StrEnum):
    """What is computed."""

    PRODUCTS = "products"
    """Multiplications of operand and weight in the array, each with its addition down the column. All multipliers count
    in every step, those too that have no weight of their own and multiply by 0."""

    ACCUMULATIONS = "accumulations"
    """Additions to an accumulator, of every column in every step."""

    TAPS = "taps"
    """Multiplications of operand and weight in the depthwise engine, each with its addition."""

    POOLED = "pooled"
    """Codes added to a window's sum, or compared with its largest."""

    SCALED = "scaled"
    """Operands of a sum of two tensors brought to a common scale, each with its addition."""

    REQUANTIZED = "requantized"
    """Sums that become codes, in every lane of every group."""


@dataclass(frozen=True)
class Counts:
    """How often each operation is done, and how often each memory is read and written; what is not named is never."""

    operations: dict[Operation, int] = field(default_factory=dict)
    reads: dict[Memory, int] = field(default_factory=dict)
    writes: dict[Memory, int] = field(default_factory=dict)


def total(parts: Iterable[Counts]) -> Counts:
    """All of them together."""
    operations: dict[Operation, int] = {}
    reads: dict[Memory, int] = {}
    writes: dict[Memory, int] = {}
    for part in parts:
        for operation, count in part.operations.items():
            operations[operation] = operations.get(operation, 0) + count
        for found, counts in ((reads, part.reads), (writes, part.writes)):
            for memory, count in counts.items():
                found[memory] = found.get(memory, 0) + count
    return Counts(operations, reads, writes)


def count_run(run: Run) -> Counts:
    """Everything from START to the last output written, END's descriptor included."""
    end = Counts(reads={Memory.DESCRIPTORS: isa.DESCRIPTOR_WORDS})
    return total([*(count_step(step) for step in run.steps), end])


def count_step(step: Step) -> Counts:
    """What one layer does, the reading of its descriptors included."""
    return total(count_plan(plan) for plan in step.plans)


def count_plan(plan: Plan) -> Counts:
    """What one descriptor does.

    An access of activation memory is one of a word's width at any element; of accumulators, one of all columns of a
    pixel; of lines, one of all rows that are kept of a pixel; of tables, one in every lane.

    Raises
    ------
    TypeError
        The plan is none of the engines' own.
    """
    if isinstance(plan, ArrayPlan):
        return _array(plan)
    if isinstance(plan, DepthwisePlan):
        return _depthwise(plan)
    if isinstance(plan, PoolingPlan):
        reads = plan.windows.positions * plan.windows.pixels * plan.blocks
        groups = plan.windows.pixels * ((plan.blocks - 1) * plan.full_groups + plan.last_groups)
        return _counts(plan, groups, {Operation.POOLED: reads * plan.accelerator.vector}, {Memory.ACTIVATIONS: reads})
    if isinstance(plan, ElementwisePlan):
        # Operands take turns, two groups of each at a time: an odd last group is read as two.
        reads = 2 * -(-plan.groups // 2)
        scaled = 2 * plan.groups * plan.accelerator.elementwise_group
        return _counts(plan, plan.groups, {Operation.SCALED: scaled}, {Memory.ACTIVATIONS: reads})
    if isinstance(plan, TablePlan):
        looked_up = {Memory.ACTIVATIONS: plan.groups, Memory.TABLES: plan.groups, Memory.WEIGHTS: ENTRIES}
        return _counts(plan, plan.groups, {}, looked_up, {Memory.TABLES: ENTRIES})
    raise TypeError(f"no plan of an engine: {plan!r}")


def _array(plan: ArrayPlan) -> Counts:
    a, cut = plan.accelerator, plan.cut
    jobs = len(cut.tiles) * cut.blocks
    outputs = cut.convolution.pixels * cut.blocks
    steps = outputs * cut.passes
    groups = cut.convolution.pixels * sum(cut.block_groups(block) for block in range(cut.blocks))
    operations = {
        Operation.PRODUCTS: steps * a.array.rows * a.array.columns,
        Operation.ACCUMULATIONS: steps * a.array.columns,
    }
    reads = {
        Memory.ACTIVATIONS: steps,
        Memory.WEIGHTS: jobs * cut.passes * a.array.rows,
        # The first pass finds nothing to add to; the drain takes all columns for every group of lanes.
        Memory.ACCUMULATORS: steps - outputs + groups,
    }
    if a.begins_with_bias:
        reads[Memory.BIASES] = (jobs + 1) * (a.array.columns // a.lanes)
    return _counts(plan, groups, operations, reads, {Memory.ACCUMULATORS: steps})


def _depthwise(plan: DepthwisePlan) -> Counts:
    a = plan.accelerator
    assert a.depthwise is not None
    pixels = plan.steps * plan.blocks
    outputs = plan.channels[0].pixels
    groups = outputs * sum(plan.block_groups(block) for block in range(plan.blocks))
    reads = {Memory.ACTIVATIONS: pixels, Memory.WEIGHTS: a.depthwise.taps * plan.blocks}
    writes = {}
    if a.depthwise.rows > 1:
        reads[Memory.LINES] = writes[Memory.LINES] = pixels
    if a.begins_with_bias:
        reads[Memory.BIASES] = groups
    return _counts(plan, groups, {Operation.TAPS: groups * a.lanes * a.depthwise.taps}, reads, writes)


def _counts(
    plan: Plan,
    groups: int,
    operations: dict[Operation, int],
    reads: dict[Memory, int],
    writes: dict[Memory, int] | None = None,
) -> Counts:
    """What an engine does, and what the results unit and the sequencer do for it."""
    return Counts(
        {**operations, Operation.REQUANTIZED: groups * plan.accelerator.lanes},
        {**reads, Memory.RECORDS: groups, Memory.DESCRIPTORS: isa.DESCRIPTOR_WORDS},
        {**(writes or {}), Memory.ACTIVATIONS: groups},
    )
