"""What cycles go to, counted multiplier by multiplier and cycle by cycle."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArrayParameters, BufferParameters
from hwq.schedule.engines.array import ArrayPlan
from hwq.schedule.geometry import convolutions
from hwq.schedule.losses import CAUSES, add_up
from hwq.schedule.plan import ConvPlan, plan_convolution
from hwq.schedule.program import lower
from tests.support.convolutions import random_convolution, small_network


def counted(plan: ConvPlan) -> dict[str, int]:
    """By loops over passes, pixels, rows and columns: what each multiplier does in each cycle."""
    rows, columns = plan.accelerator.array.rows, plan.accelerator.array.columns
    found = dict.fromkeys(("useful", "short_runs", "partial_blocks", "short_pixels", "padding"), 0)
    pixel = 0
    for pixels in plan.tiles:
        for block in range(plan.blocks):
            for run in range(plan.runs_y * plan.runs_x):
                for chunk in range(plan.chunks):
                    found["short_pixels"] += (max(pixels, rows, 3) - pixels) * rows * columns
                    for step in range(pixel, pixel + pixels):
                        for r in range(rows):
                            element = chunk * rows + r
                            if element >= plan.run:
                                found["short_runs"] += columns
                                continue
                            found["partial_blocks"] += columns - plan.block_columns(block)
                            cause = "useful" if inside(plan, step, run * plan.run + element) else "padding"
                            found[cause] += plan.block_columns(block)
        pixel += pixels
    return found


def inside(plan: ConvPlan, pixel: int, element: int) -> bool:
    """Whether a kernel's element meets the input at an output pixel."""
    c = plan.convolution
    place = divmod(pixel, c.output_size[1])
    tap = divmod(element // c.channels_in, c.kernel[1])
    return all(
        0 <= c.start[axis] + place[axis] * c.stride[axis] + tap[axis] * c.dilation[axis] < c.input_size[axis]
        for axis in (0, 1)
    )


@pytest.mark.parametrize("seed", range(40))
def test_every_multiplier_and_cycle_is_told_once(seed: int) -> None:
    choose = random.Random(seed)
    network = random_convolution(seed)
    accelerator = Accelerator(
        ArrayParameters(choose.choice([1, 2, 3, 4, 8]), choose.choice([1, 3, 4])),
        buffers=BufferParameters(accumulators=choose.choice([2, 8, 64])),
    )
    layer = network.layers[0]
    for convolution in convolutions(network, layer):  # type: ignore[arg-type]
        plan = ArrayPlan(plan_convolution(convolution, accelerator))
        multipliers = accelerator.array.rows * accelerator.array.columns
        issue = plan.issue()
        assert {cause: cycles * multipliers for cause, cycles in issue.items()} == counted(plan.cut)
        assert sum(issue.values()) == plan.cycles().issue


def test_whole_numbers_add_up_to_all_cycles() -> None:
    network = small_network()
    program = lower(network, network.layers, Accelerator(ArrayParameters(3, 5)))
    assert program.network is not None
    for run in program.runs:
        assert list(run.causes) == list(CAUSES)
        assert sum(run.causes.values()) == run.predicted_cycles
    assert program.network.causes["fetch"] == sum(run.causes["fetch"] for run in program.layers)


def test_an_engine_that_does_not_say_issues_what_is_useful() -> None:
    network = small_network()
    (step,) = lower(network, network.layers, Accelerator(ArrayParameters(3, 5))).layers[0].steps
    (count,) = step.cycles
    told = add_up([(count, {})])
    assert told["useful"] == count.issue
    assert told["padding"] == 0
    assert add_up([(count, {"useful": Fraction(1, 3), "padding": count.issue - Fraction(1, 3)})])["useful"] == 0
