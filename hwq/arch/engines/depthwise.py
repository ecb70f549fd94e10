"""The depthwise engine: DWCONV, depthwise convolutions, streamed through line buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from hwq.arch.checks import Checks, Range
from hwq.arch.engines.fields import HIGH, LOW, OPCODE, OUT_BASE, OUT_STEP, OUT_ZERO_POINT, RECORD_BASE
from hwq.arch.layout import WORD_BITS, Layout


@dataclass(frozen=True)
class DepthwiseParameters:
    """What the depthwise engine is built for; other layers run on the array, group by group.

    Parameters
    ----------
    rows, columns:
        Largest kernel.
    line:
        Longest row of an input, in pixels.
    """

    rows: Annotated[int, Range(1, 16)] = 3
    columns: Annotated[int, Range(1, 16)] = 3
    line: Annotated[int, Range(1, 4096)] = 96

    def __post_init__(self) -> None:
        with Checks("depthwise") as check:
            check.declared(self)


LAYOUT = Layout((OPCODE, RECORD_BASE, OUT_BASE, OUT_STEP, OUT_ZERO_POINT, LOW, HIGH), WORD_BITS)
"""The descriptor of DWCONV."""
