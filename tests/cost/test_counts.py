"""Operations and accesses that the schedule counts are those of the gateware, and those that descriptors ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Opcode, Space
from hwq.arch.parameters import ArithmeticParameters
from hwq.cost.counts import Counts, Memory, Operation, count_plan, count_run, count_step, total
from hwq.gateware.accumulator import Accumulator
from hwq.gateware.drain import Drain
from hwq.gateware.engines.table import TableEngine
from hwq.gateware.results import Results
from hwq.gateware.sequencer import Sequencer
from hwq.gateware.stream import PixelStream
from hwq.gateware.weights import WeightMemory
from hwq.numeric.accumulation import BiasPlace
from hwq.schedule import images
from hwq.schedule.engines.elementwise import ElementwisePlan
from hwq.schedule.plans import Places
from hwq.schedule.program import Program
from hwq.schedule.runs import Run
from hwq.verify.design import lower_design
from tests.support.every_engine import ACCELERATOR, every_engine_network
from tests.support.on_chip import OnChip

BIASED = replace(ACCELERATOR, arithmetic=ArithmeticParameters(bias=BiasPlace.INITIAL))


def lowered(accelerator: Accelerator) -> tuple[Program, Run]:
    program = lower_design(every_engine_network(), accelerator).program
    assert program.network is not None
    return program, program.network


def seen(program: Program, run: Run, monkeypatch: pytest.MonkeyPatch) -> list[Counter[str]]:
    """What the parts of the design did in each descriptor of a run."""
    parts: dict[type[Any], Any] = {}

    def keep(kind: type[Any]) -> None:
        plain = kind.elaborate

        def elaborate(self: Any, platform: object) -> Any:
            parts[kind] = self
            return plain(self, platform)

        monkeypatch.setattr(kind, "elaborate", elaborate)

    for kind in (Accumulator, Drain, PixelStream, WeightMemory, Results, Sequencer, TableEngine):
        keep(kind)
    found: list[Counter[str]] = [Counter() for _ in run.descriptors]

    async def watch(self: OnChip, context: Any) -> None:
        started = False
        while True:
            await context.tick()
            sequencer, accumulator = parts[Sequencer], parts[Accumulator]
            started = started or bool(context.get(sequencer.start))
            layer = context.get(sequencer.layers)
            if not started or layer == len(found):
                continue
            valid = context.get(accumulator.valid)
            found[layer]["sums"] += valid
            found[layer]["added"] += valid and not context.get(accumulator.first)
            found[layer]["drained"] += context.get(parts[Drain].read_enable)
            found[layer]["pixels"] += context.get(parts[PixelStream].enter)
            found[layer]["weights"] += context.get(parts[WeightMemory].read.advance)
            found[layer]["groups"] += context.get(parts[Results].write.enable)
            found[layer]["looked_up"] += context.get(parts[TableEngine].result.valid)

    monkeypatch.setattr(OnChip, "_watch", watch)
    memories: dict[Space, Sequence[int]] = {
        Space.WEIGHTS: images.weight_words(program),
        Space.RECORDS: images.record_words(program),
        Space.DESCRIPTORS: images.descriptor_words(run),
    }
    chip = OnChip(program.accelerator, memories, run.predicted_cycles, (0, 1), monkeypatch)
    assert chip.cycles == run.predicted_cycles
    return found


def test_counts_of_every_layer_are_those_of_the_gateware(monkeypatch: pytest.MonkeyPatch) -> None:
    program, run = lowered(ACCELERATOR)
    steps = run.steps
    found = seen(program, run, monkeypatch)
    assert len(found) == len(steps)
    multipliers, columns, lanes = ACCELERATOR.array.rows * ACCELERATOR.array.columns, 4, 2
    for step, did in zip(steps, found, strict=True):
        counts = count_step(step)
        assert counts.writes.get(Memory.ACCUMULATORS, 0) == did["sums"]
        assert counts.reads.get(Memory.ACCUMULATORS, 0) == did["added"] + did["drained"]
        assert counts.reads.get(Memory.LINES, 0) == counts.writes.get(Memory.LINES, 0) == did["pixels"]
        assert counts.reads.get(Memory.WEIGHTS, 0) == did["weights"]
        assert counts.reads.get(Memory.TABLES, 0) == did["looked_up"]
        assert counts.reads[Memory.RECORDS] == counts.writes[Memory.ACTIVATIONS] == did["groups"]
        assert counts.operations.get(Operation.PRODUCTS, 0) == did["sums"] * multipliers
        assert counts.operations.get(Operation.ACCUMULATIONS, 0) == did["sums"] * columns
        assert counts.operations[Operation.REQUANTIZED] == did["groups"] * lanes
    assert {step.engine for step in steps} == set(ACCELERATOR.engines)


def reads_of(d: Mapping[str, int]) -> int:
    """Accesses of activation memory that a descriptor asks for."""
    more = {name: d.get(f"more_{name}", 0) for name in ("rows", "columns", "across", "down", "blocks", "groups")}
    match Opcode(d["opcode"]):
        case Opcode.CONV:
            return d["pixels"] * d["blocks"] * d["ky_count"] * d["kx_count"] * d["chunk_count"]
        case Opcode.DWCONV:
            row = more["across"] * d["column_step"]
            return (more["blocks"] + 1) * (d["first_gap"] + row + more["down"] * (row + d["row_gap"]))
        case Opcode.POOL:
            return (
                (more["rows"] + 1)
                * (more["columns"] + 1)
                * (more["across"] + 1)
                * (more["down"] + 1)
                * (more["blocks"] + 1)
            )
        case Opcode.ADD:
            return more["groups"] + 1 + (more["groups"] + 1) % 2
        case _:
            return more["groups"] + 1


def biases_of(d: Mapping[str, int], groups: int) -> int:
    """Words of biases that an array's descriptor asks for: for START, and for each job that begins those after it."""
    tiles = len(range(0, d["pixels"], d["tile_pixels"]))
    return groups * (1 + tiles * d["blocks"])


@pytest.mark.parametrize("accelerator", [ACCELERATOR, BIASED], ids=["after", "initial"])
def test_reads_are_those_that_descriptors_ask_for(accelerator: Accelerator) -> None:
    _, run = lowered(accelerator)
    for step in run.steps:
        counts = count_step(step)
        assert counts.reads[Memory.ACTIVATIONS] == sum(reads_of(d) for d in step.descriptors)
        if accelerator.begins_with_bias and step.engine == "array":
            assert counts.reads[Memory.BIASES] == sum(biases_of(d, 2) for d in step.descriptors)
        elif accelerator.begins_with_bias and step.engine == "depthwise":
            assert counts.reads[Memory.BIASES] == counts.reads[Memory.RECORDS]
        else:
            assert Memory.BIASES not in counts.reads


def test_an_odd_last_group_of_a_sum_is_read_as_two() -> None:
    _, run = lowered(ACCELERATOR)
    (plan,) = next(step.plans for step in run.steps if step.engine == "elementwise")
    assert isinstance(plan, ElementwisePlan)
    for groups, reads in ((70, 70), (71, 72), (1, 2)):
        part = replace(plan, elements=groups * ACCELERATOR.elementwise_group)
        asked = reads_of({"opcode": part.opcode.value, **part.descriptor(Places(0, 0, (0, 0), 0))})
        assert count_plan(part).reads[Memory.ACTIVATIONS] == asked == reads


def test_a_run_is_its_layers_and_the_end() -> None:
    _, run = lowered(ACCELERATOR)
    layers = total(count_step(step) for step in run.steps)
    end = Counts(reads={Memory.DESCRIPTORS: isa.DESCRIPTOR_WORDS})
    assert count_run(run) == total([layers, end])
    assert count_run(run).reads[Memory.DESCRIPTORS] == (len(run.descriptors) + 1) * isa.DESCRIPTOR_WORDS


def test_what_is_no_plan_is_refused() -> None:
    with pytest.raises(TypeError, match="no plan of an engine: 3"):
        count_plan(3)  # type: ignore[arg-type]
