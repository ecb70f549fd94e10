"""The pooling engine: POOL, windows of average, maximum and mean, and copies."""

from __future__ import annotations

from dataclasses import dataclass

from hwq.arch.engines.fields import (
    COLUMN_START,
    COLUMN_STEP,
    HIGH,
    IN_BASE,
    IN_HEIGHT,
    IN_WIDTH,
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
    Y_START,
    Y_STEP,
)
from hwq.arch.layout import WORD_BITS, Layout, s, u


@dataclass(frozen=True)
class PoolingParameters:
    """The pooling engine has nothing to choose: it is as wide as a word of activation memory allows."""


LAYOUT = Layout(
    (
        OPCODE,
        u("maximum", 1, "1: the largest of a window's codes; 0: their sum"),
        u("unscaled", 1, "1: values go to the requantizer as they are; 0: times 256"),
        u("more_rows", 16, "rows of a window besides its first"),
        u("more_columns", 16, "columns of a window besides its first"),
        s("fill", 16, "what positions outside the input count as"),
        MORE_DOWN,
        MORE_ACROSS,
        MORE_BLOCKS,
        LAST_LANES,
        Y_START,
        IN_HEIGHT,
        COLUMN_START,
        IN_WIDTH,
        Y_STEP,
        COLUMN_STEP,
        IN_BASE,
        LAST_GROUPS,
        u("column_elements", 26, "elements from a position of a window to the next in its row"),
        u("row_elements", 26, "elements from the last position of a window's row to the next row's first"),
        u("pixel_elements", 26, "elements from a window's last position to the first of the window right of it"),
        u("line_elements", 26, "elements from the last position of a row of windows to the first of the row below"),
        u("block_elements", 26, "elements from a block's last position to the next block's first"),
        OUT_BASE,
        OUT_STEP,
        u("out_block_step", 26, "elements from a block's last output pixel to the next block's first"),
        OUT_ZERO_POINT,
        RECORD_BASE,
        u("record_row_step", 20, "words of record memory further for each row that a window lacks"),
        u("record_column_step", 1, "the same for each column"),
        LOW,
        HIGH,
    ),
    WORD_BITS,
)
"""The descriptor of POOL; all elements are counted modulo the address space."""

LATENCY = 4
"""Cycles from the issue of a window's last position to its first group at the results unit."""

LARGEST_COUNT = 1 << 16
"""Positions of the largest window whose average is exact; 24 bits hold its sum."""

SUM_BITS = 24
"""Bits of a sum."""
