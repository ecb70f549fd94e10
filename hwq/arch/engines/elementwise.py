"""The elementwise engine: ADD, the sum of two tensors."""

from __future__ import annotations

from dataclasses import dataclass

from hwq.arch.engines.fields import HIGH, LOW, OPCODE, OUT_BASE, OUT_STEP, OUT_ZERO_POINT, RECORD_BASE
from hwq.arch.layout import WORD_BITS, Layout


@dataclass(frozen=True)
class ElementwiseParameters:
    """The elementwise engine has nothing to choose: it is as wide as lanes and a word of activation memory allow."""


LAYOUT = Layout((OPCODE, RECORD_BASE, OUT_BASE, OUT_STEP, OUT_ZERO_POINT, LOW, HIGH), WORD_BITS)
"""The descriptor of ADD."""
