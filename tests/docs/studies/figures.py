"""The plots of the page about accumulators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.docs.studies import accumulators, modes

IMAGES = Path(__file__).parents[3] / "docs" / "img"

FIGURES: dict[str, Callable[[], str]] = {
    "accumulators.svg": accumulators.plot,
    "roundings.svg": modes.rounding,
    "overflows.svg": modes.overflow,
}
"""By file in docs/img what draws it."""
