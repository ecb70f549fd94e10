"""Accuracy of keyword spotting against the bits of its sums: measured by sweeps, kept as data, shown on a page.

The sweeps are configs/sweeps/NAME.yaml, and what they found lies in NAME.csv here: right answers, answers as exact sums
give them, and overflows, over all recordings of the benchmark's test.
"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hwq.explore.document import load_sweep
from hwq.explore.evaluation import emulate
from hwq.explore.points import Point, sweep_points
from hwq.explore.space import label_text
from tests.docs.studies.svg import FAINT, Plot, drawing, line, text

HERE = Path(__file__).parent
SWEEPS = HERE.parents[2] / "configs" / "sweeps"

AXES = {
    "kws_clamping": ("arithmetic.input_zero_point", "shape", "sums", "arithmetic.accumulator_bits"),
    "kws_psums": ("arithmetic.input_zero_point", "shape", "arithmetic.overflow", "arithmetic.psum_bits"),
}
"""By study its axes: form of the zero-point, array, what becomes of sums, bits."""

SAMPLES = 600
SAFE = {"subtracted": (21, 19), "folded": (20, 18)}
"""Bits of accumulators and of psums on an 8x8 array that `hwq certify` proves to be safe, by form of the zero-point."""

Key = tuple[str, str, str, int]


@dataclass(frozen=True)
class Found:
    """Of all samples: right answers, answers as exact sums give them, and sums that left their width."""

    right: int
    agreeing: int
    overflows: int


def measure(study: str) -> dict[Key, Found]:
    """Run a study's sweep, every point."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "hwq", "sweep", str(SWEEPS / f"{study}.yaml"), "-o", folder]
        subprocess.run([*command, "--export", "csv"], check=True)
        rows = list(csv.DictReader(Path(folder, "results.csv").read_text(encoding="utf-8").splitlines()))
    failed = [row["error"] for row in rows if row["status"] != "done"]
    if failed:
        raise RuntimeError(f"{study}: {failed[0]}")
    return {_key(study, row): _found(row) for row in rows}


def points(study: str, folder: Path) -> dict[Key, Point]:
    """The points of a study's sweep, for results in ``folder``."""
    found = sweep_points(load_sweep(SWEEPS / f"{study}.yaml"), folder)
    return {
        _key(study, {name: label_text(value) for name, value in point.place.labels.items()}): point for point in found
    }


def compute(point: Point, folder: Path) -> Found:
    """What a sweep finds at a point, computed here."""
    return _found(emulate(point.values, folder, None))


def _key(study: str, row: dict[str, str]) -> Key:
    zero_point, array, mode, bits = (row[axis] for axis in AXES[study])
    return zero_point, array, mode, int(bits)


def _found(figures: dict[str, str]) -> Found:
    right, agreeing = (round(float(figures[name]) * SAMPLES) for name in ("accuracy", "agreement"))
    return Found(right, agreeing, int(figures["overflows"]))


def save(study: str, found: dict[Key, Found]) -> None:
    """Keep what a study found."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("input_zero_point", "array", "sums", "bits", "right", "agreeing", "overflows"))
    writer.writerows((*key, one.right, one.agreeing, one.overflows) for key, one in found.items())
    (HERE / f"{study}.csv").write_text(out.getvalue(), encoding="utf-8")


def known(study: str) -> dict[Key, Found]:
    """What a study found when it was last run."""
    with (HERE / f"{study}.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return {(*row[:3], int(row[3])): Found(*map(int, row[4:])) for row in rows}  # type: ignore[misc]


CLAMPING = (
    ("wrap", "8x8", "wrap"),
    ("wrap from the bias", "8x8", "wrap, bias initial"),
    ("saturate per pass", "8x8", "saturate per pass, 8x8"),
    ("saturate per pass", "16x16", "saturate per pass, 16x16"),
    ("saturate per MAC", "8x8", "saturate per MAC"),
    ("saturate per pass from the bias", "8x8", "saturate per pass, 8x8, bias initial"),
)
"""Columns of the first study's tables: what becomes of sums, an array, the title. The last one is not in the plot.

Sums that wrap and sums per MAC give the same answers on either array.
"""

PSUMS = (
    ("wrap", "8x8", "wrap, 8x8"),
    ("wrap", "16x16", "wrap, 16x16"),
    ("saturate", "8x8", "saturate, 8x8"),
    ("saturate", "16x16", "saturate, 16x16"),
)


COLUMNS = {"kws_clamping": CLAMPING, "kws_psums": PSUMS}


def header(study: str) -> tuple[str, ...]:
    """Of a study's tables."""
    return "Bits", *(title for _, _, title in COLUMNS[study])


def rows(study: str, zero_point: str) -> list[tuple[str, ...]]:
    """A table's cells: bits and accuracies in percent, from the widest; widths of equal accuracies share a row."""
    found, columns = known(study), COLUMNS[study]
    merged: list[tuple[list[int], tuple[str, ...]]] = []
    for bits in sorted({key[3] for key in found}, reverse=True):
        cells = tuple(f"{found[zero_point, array, mode, bits].right / SAMPLES:.2%}" for mode, array, _ in columns)
        if merged and merged[-1][1] == cells:
            merged[-1][0].append(bits)
        else:
            merged.append(([bits], cells))
    return [(_span(widths), *cells) for widths, cells in merged]


def counts(zero_point: str, widths: Sequence[int]) -> list[tuple[str, ...]]:
    """A table's cells: accumulator bits, and how many additions left them."""
    found = known("kws_clamping")
    return [
        (f"{bits}", *(f"{found[zero_point, array, mode, bits].overflows:,}" for mode, array, _ in CLAMPING))
        for bits in widths
    ]


def _span(widths: Sequence[int]) -> str:
    return f"{widths[0]}" if len(widths) == 1 else f"{widths[0]} to {widths[-1]}"


_DRAWN = CLAMPING[:-1]
_LINES = (("#d55e00", ""), ("#e69f00", "2 3"), ("#0072b2", ""), ("#56b4e9", "7 4"), ("#009e73", "2 3"))


def plot() -> str:
    """Accuracy against accumulator bits, with the width that is proven to be safe."""
    found = known("kws_clamping")
    widths = sorted({key[3] for key in found})
    parts = []
    for number, zero_point in enumerate(("subtracted", "folded")):
        panel = Plot(70 + 470 * number, 40, 390, 240, (widths[0], widths[-1]), (0, 100))
        title = f"input_zero_point: {zero_point}"
        panel.axes(title, widths, range(0, 101, 20), "accumulator bits", "" if number else "accuracy, %")
        safe = SAFE[zero_point][0]
        panel.line([(safe, 0), (safe, 100)], FAINT, 1.5, "4 3")
        panel.label(safe + 0.15, 6, "certified")
        for (mode, array, _), (color, dash) in zip(_DRAWN, _LINES, strict=True):
            points = [(bits, found[zero_point, array, mode, bits].right / SAMPLES * 100) for bits in widths]
            panel.line(points, color, 2.2, dash)
            for point in points:
                panel.dot(*point, color, size=2)
        parts += panel.parts
    for left, (_, _, title), (color, dash) in zip((24, 130, 314, 536, 766), _DRAWN, _LINES, strict=True):
        parts += [line([(left, 338), (left + 34, 338)], color, 2.5, dash), text(left + 42, 342, title, 12, "start")]
    return drawing(960, 360, "Accuracy of keyword spotting against accumulator bits", parts)
