"""Exact cycle count of a planned convolution, by the recurrence the hardware follows job by job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from hwq.arch import isa
from hwq.schedule.plan import ConvPlan


@dataclass(frozen=True)
class CycleCount:
    """Cycles of one descriptor, from the end of the one before (or START) to its last output written.

    ``fetch``, ``load`` (the first tile of weights), ``issue`` (passes), ``wait`` (for an accumulator bank) and ``tail``
    (from the last step's issue to the last write) add up to ``total``.
    """

    fetch: int
    load: int
    issue: int
    wait: int
    tail: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.fetch + self.load + self.issue + self.wait + self.tail


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
    job_end = _fetch_cycles() + a.array.rows
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
    rows = plan.accelerator.array.rows
    issue = wait = 0
    free = _fetch_cycles() + rows + 1
    last = 0
    for job in jobs(plan):
        wait += job.begin - free
        issue += job.end + 1 - job.begin
        free = job.end + 1
        last = job.drain_end
    total = last + _to_memory(plan)
    return CycleCount(_fetch_cycles(), rows, issue, wait, total - _fetch_cycles() - rows - issue - wait)


def output_cycle(plan: ConvPlan, pixel: int, channel: int) -> int:
    """Cycle in which output ``channel`` of ``pixel`` is written to memory, from the start of the descriptor."""
    block, lane = divmod(channel, plan.accelerator.array.columns)
    tile, place = divmod(pixel, plan.tile_pixels)
    job = jobs(plan)[tile * plan.blocks + block]
    return job.drain + place * job.groups + lane // plan.accelerator.lanes + _to_memory(plan)


def _fetch_cycles() -> int:
    # Descriptor words are asked for one per cycle; the last arrives one cycle later and is complete in the next.
    return isa.DESCRIPTOR_WORDS + 2


def _to_memory(plan: ConvPlan) -> int:
    a = plan.accelerator
    return a.drain_latency + a.requantizer_latency + a.store_latency
