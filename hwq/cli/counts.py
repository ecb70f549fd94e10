"""What left its width, as tables and JSON name it; in the order of the counters."""

from __future__ import annotations

from collections.abc import Sequence

from hwq.cli.tables import Column

COUNT_COLUMNS = (
    Column("Psum overflows", right=True),
    Column("Acc. overflows", right=True),
    Column("Clamps", right=True, drop=5),
)


def counts_json(counts: Sequence[int | None]) -> dict[str, int | None]:
    """Three counts by their names in JSON."""
    return dict(zip(("psum_overflows", "accumulator_overflows", "output_clamps"), counts, strict=True))
