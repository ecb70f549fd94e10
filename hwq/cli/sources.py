"""Options of the verbs that take samples."""

from __future__ import annotations

from typing import Annotated

import typer

#: The option ``--seed`` of every verb that has one.
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Of the random inputs, where there are no samples.")]

#: Most that ``--samples`` takes: beyond it is a slip of the finger.
MOST_SAMPLES = 1_000_000
