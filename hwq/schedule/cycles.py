"""Exact cycle count of a planned convolution, by the recurrence the hardware follows job by job."""

from __future__ import annotations

from dataclasses import dataclass

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


def count_cycles(plan: ConvPlan) -> CycleCount:
    """Predict the cycles of ``plan``; the count is exact, and `hwq verify` holds the hardware to it."""
    a = plan.accelerator
    # Descriptor words are asked for one per cycle; the last arrives one cycle later and is complete in the next.
    fetch = isa.DESCRIPTOR.words + 2
    load = a.array.rows
    start = fetch + load + 1
    job_end = start - 1
    wait = 0
    to_full = a.feed_latency + a.array_latency + a.accumulate_latency
    drain_end = [-1, -1]
    previous_drain_end = -2
    job = 0
    issue = 0
    for pixels in plan.tiles:
        length = max(pixels, a.minimum_pass)
        for block in range(plan.blocks):
            # The bank's release by the job before last is seen one cycle after its last drain step.
            begin = max(job_end, drain_end[job % 2] + 1 if job >= 2 else 0) + 1
            wait += begin - job_end - 1
            job_end = begin + plan.passes * length - 1
            issue += plan.passes * length
            full = begin + (plan.passes - 1) * length + pixels - 1 + to_full
            drain_start = max(full, previous_drain_end + 1) + 1
            previous_drain_end = drain_start + pixels * plan.block_groups(block) - 1
            drain_end[job % 2] = previous_drain_end
            job += 1
    total = previous_drain_end + a.drain_latency + a.requantizer_latency + a.store_latency
    return CycleCount(fetch, load, issue, wait, total - fetch - load - issue - wait)
