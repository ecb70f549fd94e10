"""Exact cycle count of a planned convolution, by the recurrence the hardware follows job by job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from hwq.schedule.plan import ConvPlan
from hwq.schedule.plans import CycleCount, fetch_cycles, to_memory


@dataclass(frozen=True)
class Job:
    """One block of output channels over one pixel tile, in cycles from the start of its descriptor.

    ``begin`` is its first step's issue, ``end`` its last pass's last cycle; ``drain`` is the first cycle in which the
    drain issues one of its lane groups, ``drain_end`` the last.
    """

    pixels: int
    groups: int
    begin: int
    end: int
    drain: int
    drain_end: int


@lru_cache(maxsize=256)
def jobs(plan: ConvPlan) -> tuple[Job, ...]:
    """The jobs of a plan in their order, by the recurrence the hardware follows."""
    return tuple(_walk(plan))


def _walk(plan: ConvPlan) -> Iterator[Job]:
    a = plan.accelerator
    to_full = a.feed_latency + a.array_latency + a.accumulate_latency
    job_end = fetch_cycles() + a.load_cycles
    drain_ends = [-1, -2]
    for pixels in plan.tiles:
        length = max(pixels, a.minimum_pass)
        for block in range(plan.blocks):
            # The release of its bank, by the job before last, is seen one cycle after that job's last drain step.
            begin = max(job_end, drain_ends[0] + 1) + 1
            job_end = begin + plan.passes * length - 1
            full = begin + (plan.passes - 1) * length + pixels - 1 + to_full
            drain = max(full, drain_ends[1] + 1) + 1
            groups = plan.block_groups(block)
            drain_ends = [drain_ends[1], drain + pixels * groups - 1]
            yield Job(pixels, groups, begin, job_end, drain, drain_ends[1])


def count_cycles(plan: ConvPlan) -> CycleCount:
    """Predict the cycles of ``plan``; the count is exact, and `hwq verify` holds the hardware to it."""
    load = plan.accelerator.load_cycles
    issue = wait = 0
    free = fetch_cycles() + load + 1
    last = 0
    for job in jobs(plan):
        wait += job.begin - free
        issue += job.end + 1 - job.begin
        free = job.end + 1
        last = job.drain_end
    total = last + _to_memory(plan)
    return CycleCount(fetch_cycles(), load, issue, wait, total - fetch_cycles() - load - issue - wait)


def output_cycle(plan: ConvPlan, pixel: int, channel: int) -> int:
    """Cycle in which output ``channel`` of ``pixel`` is written to memory, from the start of the descriptor."""
    block, lane = divmod(channel, plan.accelerator.array.columns)
    tile, place = divmod(pixel, plan.tile_pixels)
    job = jobs(plan)[tile * plan.blocks + block]
    return job.drain + place * job.groups + lane // plan.accelerator.lanes + _to_memory(plan)


def _to_memory(plan: ConvPlan) -> int:
    # A group reaches the results unit a cycle after the drain issued it.
    return 1 + to_memory(plan.accelerator)
