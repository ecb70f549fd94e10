"""Where a layer's cycles go: what multiplies, and what is lost, by cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from hwq.schedule.plan import ConvPlan
from hwq.schedule.plans import CycleCount

CAUSES: Mapping[str, str] = {
    "useful": "cycles' worth of multiplications that count; on other engines than the array all that they issue",
    "short_runs": "rows of the array without an element, where a run is no multiple of them",
    "partial_blocks": "columns of the array without a channel, in a layer's last block",
    "short_pixels": "passes that wait for the next weights, where a tile has fewer pixels than the array rows",
    "padding": "multiplications that meet padding",
    "fetch": "reading descriptors",
    "load": "loading the first weights",
    "wait": "waiting for an accumulator bank, or for the requantizer's lanes",
    "tail": "from the last issue to the last write",
}
"""Parts that add up to all cycles of a run, with what they are."""


def array_issue(plan: ConvPlan) -> dict[str, Fraction]:
    """What the issue cycles of a convolution on the array go to, in cycles of the whole array."""
    a, c = plan.accelerator, plan.convolution
    rows, columns = a.array.rows, a.array.columns
    multipliers = rows * columns
    issued = sum(max(pixels, a.minimum_pass) for pixels in plan.tiles) * plan.blocks * plan.passes
    steps = c.pixels * plan.blocks * plan.passes
    # Of the multipliers of every step: rows that have an element, columns that have a channel.
    filled = Fraction(c.pixels * plan.blocks * plan.runs_y * plan.runs_x * plan.run, rows)
    counted = Fraction(c.macs, multipliers)
    padding = Fraction(_padding_macs(plan), multipliers)
    return {
        "useful": counted - padding,
        "short_runs": steps - filled,
        "partial_blocks": filled - counted,
        "short_pixels": Fraction(issued - steps),
        "padding": padding,
    }


def _padding_macs(plan: ConvPlan) -> int:
    """Multiplications of padding: those of all taps at all pixels, less those inside the input."""
    c = plan.convolution
    inside = 1
    for axis in (0, 1):
        taps = range(c.kernel[axis])
        inside *= sum(
            0 <= c.start[axis] + place * c.stride[axis] + tap * c.dilation[axis] < c.input_size[axis]
            for place in range(c.output_size[axis])
            for tap in taps
        )
    taps_of_all = c.pixels * c.kernel[0] * c.kernel[1]
    return (taps_of_all - inside) * c.channels_in * c.channels_out


def add_up(parts: Iterable[tuple[CycleCount, Mapping[str, Fraction]]]) -> dict[str, int]:
    """Cycles by cause of several descriptors, whole numbers that add up to all of them.

    Parameters
    ----------
    parts:
        The cycles of each descriptor, and what its issue goes to; empty where its engine does not say.
    """
    total: dict[str, Fraction] = dict.fromkeys(CAUSES, Fraction(0))
    for count, issue in parts:
        for cause, cycles in (issue or {"useful": Fraction(count.issue)}).items():
            total[cause] += cycles
        for cause in ("fetch", "load", "wait", "tail"):
            total[cause] += getattr(count, cause)
    # Rounded as running sums, so that no cycle is lost or told twice.
    whole, before, running = {}, 0, Fraction(0)
    for cause, cycles in total.items():
        running += cycles
        now = int(running + Fraction(1, 2))
        whole[cause] = now - before
        before = now
    return whole
