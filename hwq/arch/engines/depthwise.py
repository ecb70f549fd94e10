"""The depthwise engine: DWCONV, depthwise convolutions, streamed through line buffers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from hwq.arch.checks import Checks, Range
from hwq.arch.engines.fields import (
    COLUMN_START,
    COLUMN_STEP,
    HIGH,
    IN_FIRST,
    IN_HEIGHT,
    IN_WIDTH,
    IN_ZERO_POINT,
    LAST_GROUPS,
    LAST_LANES,
    LOW,
    MORE_ACROSS,
    MORE_BLOCKS,
    MORE_DOWN,
    OPCODE,
    OUT_BASE,
    OUT_STEP,
    OUT_ZERO_POINT,
    RECORD_BASE,
    WEIGHT_BASE,
    WEIGHT_PACKING,
    Y_START,
    Y_STEP,
)
from hwq.arch.layout import WORD_BITS, Layout, u

FAN_IN = 3
"""Terms that an adder of the adder tree takes: two additions a cycle."""


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

    @property
    def taps(self) -> int:
        """Products of an output, all made at once."""
        return self.rows * self.columns

    @property
    def levels(self) -> int:
        """Levels of the adder tree that sums them, a cycle each."""
        levels, terms = 0, self.taps
        while terms > 1:
            levels, terms = levels + 1, -(-terms // FAN_IN)
        return levels


LAYOUT = Layout(
    (
        OPCODE,
        LAST_GROUPS,
        LAST_LANES,
        MORE_BLOCKS,
        MORE_DOWN,
        MORE_ACROSS,
        Y_START,
        IN_HEIGHT,
        COLUMN_START,
        IN_WIDTH,
        Y_STEP,
        COLUMN_STEP,
        u("first_gap", 24, "pixels that a block streams up to the last one of its first output, that one included"),
        u("row_gap", 24, "pixels from the last one of a row's last output to that of the next row's first"),
        u("in_step", 22, "elements from one input pixel to the next"),
        IN_FIRST,
        WEIGHT_BASE,
        RECORD_BASE,
        OUT_BASE,
        OUT_STEP,
        IN_ZERO_POINT,
        OUT_ZERO_POINT,
        LOW,
        HIGH,
        WEIGHT_PACKING,
    ),
    WORD_BITS,
)
"""The descriptor of DWCONV; a kernel is the window, smaller ones lie in its last rows and columns."""
