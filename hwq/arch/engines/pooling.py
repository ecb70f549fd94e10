"""The pooling engine: POOL, windows of average, maximum and mean, and copies."""

from __future__ import annotations

from dataclasses import dataclass

from hwq.arch.engines.fields import HIGH, LOW, OPCODE, OUT_BASE, OUT_STEP, OUT_ZERO_POINT, RECORD_BASE
from hwq.arch.layout import WORD_BITS, Layout


@dataclass(frozen=True)
class PoolingParameters:
    """The pooling engine has nothing to choose: it is as wide as a word of activation memory allows."""


LAYOUT = Layout((OPCODE, RECORD_BASE, OUT_BASE, OUT_STEP, OUT_ZERO_POINT, LOW, HIGH), WORD_BITS)
"""The descriptor of POOL."""
