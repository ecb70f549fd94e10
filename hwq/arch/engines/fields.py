"""Fields that the descriptors of several engines have, each with one meaning and one width."""

from __future__ import annotations

from hwq.arch.layout import s, u

OPCODE = u("opcode", 4, "what to do (Opcode)")
IN_BASE = u(
    "in_base",
    26,
    "element address of the first pixel's kernel row, modulo the address space: it may lie in padding",
)
IN_HEIGHT = u("in_height", 16, "rows of the input; rows outside are padding")
WEIGHT_BASE = u("weight_base", 24, "first word of the weights")
RECORD_BASE = u("record_base", 20, "first word of the records")
OUT_BASE = u("out_base", 24, "element address of the first output")
OUT_STEP = u("out_step", 22, "elements from one output pixel to the next")
IN_ZERO_POINT = s("in_zero_point", 16, "zero-point of the input")
OUT_ZERO_POINT = s("out_zero_point", 16, "zero-point of the output")
LOW = s("low", 16, "lowest output code")
HIGH = s("high", 16, "highest output code")
