"""Measure what the page about accumulators shows, and draw its plots: ``python -m tests.docs.studies`` (minutes)."""

from __future__ import annotations

from tests.docs.studies import accumulators
from tests.docs.studies.figures import FIGURES, IMAGES

for study in accumulators.AXES:
    accumulators.save(study, accumulators.measure(study))
for name, draw in FIGURES.items():
    (IMAGES / name).write_text(draw(), encoding="utf-8")
