"""Comparison of what the hardware did with what it should have done; equality, element by element."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.schedule.runs import Run, run_title


@dataclass(frozen=True)
class Divergence:
    """The first output element that differs, in the order in which they are written.

    ``row``, ``column`` and ``channel`` are its place in the output; ``cycle`` counts from START to its being written,
    and is ``None`` of what has no clock.
    """

    run: str
    sample: int
    row: int
    column: int
    channel: int
    cycle: int | None
    expected: int
    actual: int

    def __str__(self) -> str:
        written = "" if self.cycle is None else f", written in cycle {self.cycle}"
        return (
            f"{run_title(self.run)}, sample {self.sample}, output row {self.row}, column {self.column}, channel "
            f"{self.channel}{written}: expected {self.expected}, got {self.actual}"
        )


COUNTED = ("psum overflows", "accumulator overflows", "output clamps")
"""What accelerators count where overflow is a choice, in the order of their counters."""

_MOST = (1 << 32) - 1
"""Counters stay there."""


@dataclass(frozen=True)
class WrongCount:
    """A counter of the hardware that is not what the emulator counted for a layer and a sample."""

    layer: str
    sample: int
    counted: str
    expected: int
    actual: int

    def __str__(self) -> str:
        return (
            f"{self.counted} of layer {self.layer}, sample {self.sample}: {self.expected:,} expected, "
            f"{self.actual:,} counted"
        )


@dataclass(frozen=True)
class RunReport:
    """Comparison of one run: a layer, or the whole network.

    ``cycles`` is what the hardware counted for one sample, ``None`` where it did not finish, or where nothing is
    predicted since there is no clock; ``wrong_cycles`` are
    (sample, cycles) of the samples that took another number than predicted. ``causes`` are what the predicted cycles go
    to. ``counts`` are the hardware's counters (`COUNTED`), all samples together; ``None`` where it has none.
    """

    name: str
    elements: int
    mismatches: int
    cycles: int | None
    predicted_cycles: int | None
    macs: int
    multipliers: int
    causes: Mapping[str, int]
    wrong_cycles: tuple[tuple[int, int], ...]
    divergence: Divergence | None
    counts: tuple[int, int, int] | None
    wrong_counts: tuple[WrongCount, ...]

    @property
    def match(self) -> bool:
        """Whether every element, every cycle count and every counter is right."""
        finished = self.cycles is not None or self.predicted_cycles is None
        return self.mismatches == 0 and finished and not self.wrong_cycles and not self.wrong_counts

    @property
    def utilization(self) -> float | None:
        """Part of the array's multiplications that are the run's own."""
        return None if not self.cycles else self.macs / (self.cycles * self.multipliers)


def compare_run(
    run: Run,
    expected: NDArray[np.integer],
    actual: NDArray[np.integer],
    cycles: Sequence[int],
    expected_counts: NDArray[np.integer],
    counts: NDArray[np.integer],
) -> RunReport:
    """Compare one run.

    Parameters
    ----------
    run:
        Its program, for cycles and places.
    expected, actual:
        [samples, elements], in memory order.
    cycles:
        Counted by the hardware, for each sample.
    expected_counts:
        [samples, layers of the run, 3], the emulator's.
    counts:
        [samples, descriptors of the run, 3], the hardware's counters; no descriptors where it has none.

    Raises
    ------
    ValueError
        When there is nothing to compare, or the shapes differ.
    """
    if expected.shape != actual.shape or len(cycles) != len(expected) or not expected.size:
        raise ValueError(f"{run.title}: {expected.shape} expected, {actual.shape} and {len(cycles)} runs given")
    wrong = expected.astype(np.int64) != actual.astype(np.int64)
    counted = counts.shape[1] > 0
    return RunReport(
        name=run.name,
        elements=expected.size,
        mismatches=int(wrong.sum()),
        cycles=int(cycles[0]),
        predicted_cycles=run.predicted_cycles,
        macs=run.macs,
        multipliers=run.multipliers,
        causes=run.causes,
        wrong_cycles=tuple(
            (sample, int(count)) for sample, count in enumerate(cycles) if count != run.predicted_cycles
        ),
        divergence=_first(run, expected, actual, wrong) if wrong.any() else None,
        counts=(int(counts[..., 0].sum()), int(counts[..., 1].sum()), int(counts[..., 2].sum())) if counted else None,
        wrong_counts=tuple(_wrong_counts(run, expected_counts, counts)) if counted else (),
    )


def compare_codes(
    name: str, shape: tuple[int, ...], macs: int, expected: NDArray[np.integer], actual: NDArray[np.integer]
) -> RunReport:
    """Compare a run of something without a clock, such as C++.

    Parameters
    ----------
    name, macs:
        Of the run.
    shape:
        Of its output.
    expected, actual:
        [samples, elements], in memory order.

    Raises
    ------
    ValueError
        When there is nothing to compare, or the shapes differ.
    """
    if expected.shape != actual.shape or not expected.size:
        raise ValueError(f"{run_title(name)}: {expected.shape} expected, {actual.shape} given")
    wrong = expected.astype(np.int64) != actual.astype(np.int64)
    first = None
    if wrong.any():
        sample, element = (int(place) for place in np.argwhere(wrong)[0])
        codes = int(expected[sample, element]), int(actual[sample, element])
        first = Divergence(name, sample, *_place(element, shape), None, *codes)
    return RunReport(name, expected.size, int(wrong.sum()), None, None, macs, 0, {}, (), first, None, ())


def unfinished_codes(name: str, macs: int, elements: int) -> RunReport:
    """The report of a run without a clock that gave no result: every element counts as wrong."""
    return RunReport(name, elements, elements, None, None, macs, 0, {}, (), None, None, ())


def unfinished_run(run: Run, elements: int) -> RunReport:
    """The report of a run that gave no result: every element counts as wrong."""
    return RunReport(
        run.name,
        elements,
        elements,
        None,
        run.predicted_cycles,
        run.macs,
        run.multipliers,
        run.causes,
        (),
        None,
        None,
        (),
    )


def _wrong_counts(run: Run, expected: NDArray[np.integer], counts: NDArray[np.integer]) -> Iterator[WrongCount]:
    """Counters that differ from the emulator's; a layer of groups has those of all its descriptors."""
    first = 0
    for number, step in enumerate(run.steps):
        ours = counts[:, first : first + len(step.descriptors)].sum(axis=1)
        first += len(step.descriptors)
        theirs = np.minimum(expected[:, number], _MOST * len(step.descriptors))
        for sample, kind in zip(*np.nonzero(ours != theirs), strict=True):
            found = int(theirs[sample, kind]), int(ours[sample, kind])
            yield WrongCount(step.layer, int(sample), COUNTED[kind], *found)
    assert first == counts.shape[1]


def _first(
    run: Run,
    expected: NDArray[np.integer],
    actual: NDArray[np.integer],
    wrong: NDArray[np.bool_],
) -> Divergence:
    sample = int(np.argmax(wrong.any(axis=1)))
    elements = np.flatnonzero(wrong[sample])
    cycle, element = min((run.output_cycle(int(element)), int(element)) for element in elements)
    return Divergence(
        run.name,
        sample,
        *_place(element, run.output.shape),
        cycle,
        int(expected[sample, element]),
        int(actual[sample, element]),
    )


def _place(element: int, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Row, column and channel of an element."""
    *before, channels = shape or (1,)
    columns = before[1] if len(before) == 2 else math.prod(before)
    pixel, channel = divmod(element, channels)
    return *divmod(pixel, columns), channel
