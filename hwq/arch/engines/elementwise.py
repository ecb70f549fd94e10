"""The elementwise engine: ADD, the sum of two tensors."""

from __future__ import annotations

from dataclasses import dataclass

from hwq.arch.engines.fields import HIGH, LAST_LANES, LOW, MORE_GROUPS, OPCODE, OUT_BASE, OUT_ZERO_POINT, RECORD_BASE
from hwq.arch.layout import WORD_BITS, Layout, s, u


@dataclass(frozen=True)
class ElementwiseParameters:
    """The elementwise engine has nothing to choose: it is as wide as lanes and a word of activation memory allow."""


LAYOUT = Layout(
    (
        OPCODE,
        MORE_GROUPS,
        LAST_LANES,
        u("shift_a", 5, "power of two that divides the first operand's terms, 0 to 28"),
        u("shift_b", 5, "the same of the second"),
        s("zero_point_a", 16, "zero-point of the first operand"),
        s("zero_point_b", 16, "zero-point of the second operand"),
        u("base_a", 24, "element address of the first operand"),
        u("base_b", 24, "element address of the second operand"),
        u("multiplier_a", 31, "multiplier of the first operand, in units of 2^-31"),
        u("multiplier_b", 31, "multiplier of the second operand, in units of 2^-31"),
        RECORD_BASE,
        OUT_BASE,
        OUT_ZERO_POINT,
        LOW,
        HIGH,
    ),
    WORD_BITS,
)
"""The descriptor of ADD; all elements of both operands and of the output lie side by side."""

SCALER_LATENCY = 5
"""Cycles from a code to its term: difference, products, inner rounding, outer rounding, shift."""

LATENCY = 2 + 1 + SCALER_LATENCY
"""Cycles from a group's issue to the results unit: memory, the wait for the second operand, the scalers."""

FRACTION = 20
"""Bits below the binary point that a code is given before it is scaled."""

CODE_BITS = 8
"""Bits of the widest codes."""

SCALED_BITS = CODE_BITS + 1 + FRACTION
"""Bits of such a code less its zero-point after the inner rounding, for every multiplier."""

LONGEST_SHIFT = SCALED_BITS - 1
"""Longest shift of the outer rounding; of longer ones nothing is left but 0."""

TERM_BITS = SCALED_BITS + 1
"""Bits of a term: the outer rounding may carry once before it shifts."""
