"""The table engine: TABLE, functions of one code, such as activations that stand alone."""

from __future__ import annotations

from dataclasses import dataclass

from hwq.arch.engines.fields import IN_FIRST, LAST_LANES, MORE_GROUPS, OPCODE, OUT_BASE, RECORD_BASE, WEIGHT_BASE
from hwq.arch.layout import WORD_BITS, Layout


@dataclass(frozen=True)
class TableParameters:
    """The table engine has nothing to choose: every lane looks up a code a cycle."""


LAYOUT = Layout(
    (
        OPCODE,
        MORE_GROUPS,
        LAST_LANES,
        IN_FIRST,
        WEIGHT_BASE,
        RECORD_BASE,
        OUT_BASE,
    ),
    WORD_BITS,
)
"""The descriptor of TABLE; all elements of input and output lie side by side."""

ENTRIES = 256
"""Codes of the table: those of input codes 0 to 127, then -128 to -1. Each is the lowest column of a weight word."""

ENTRY_BITS = 8
"""Bits of a code."""

LATENCY = 3
"""Cycles from a group's issue to the results unit: memory and table. The values' register takes their own cycle."""
