"""Fields that the descriptors of several engines have, each with one meaning and one width."""

from __future__ import annotations

from hwq.arch.layout import s, u

OPCODE = u("opcode", 4, "what to do (Opcode)")
IN_BASE = u(
    "in_base",
    26,
    "element address of the first pixel's kernel row, modulo the address space: it may lie in padding",
)
IN_FIRST = u("in_first", 26, "element address of the input's first pixel")
Y_START = s("y_start", 16, "input row of the first pixel's first kernel row; negative in top padding")
IN_HEIGHT = u("in_height", 16, "rows of the input; rows outside are padding")
Y_STEP = u("y_step", 12, "input rows from one output row to the next")
COLUMN_START = s("column_start", 16, "input column of the first pixel's first window column; negative in left padding")
IN_WIDTH = u("in_width", 16, "columns of the input; columns outside are padding")
COLUMN_STEP = u("column_step", 12, "input columns from one output pixel to the next")
MORE_DOWN = u("more_down", 16, "output rows besides the first")
MORE_ACROSS = u("more_across", 16, "output pixels of a row besides the first")
MORE_GROUPS = u("more_groups", 24, "groups of elements besides the first")
MORE_BLOCKS = u("more_blocks", 22, "blocks of channels besides the first")
LAST_GROUPS = u("last_groups", 9, "lane groups of the last block")
LAST_LANES = u("last_lanes", 9, "valid lanes of the last block's last lane group")
WEIGHT_BASE = u("weight_base", 24, "first word of the weights")
WEIGHT_PACKING = u("weight_packing", 3, "rows of weights in a word, as a power of two; 0 where they are not packed")
RECORD_BASE = u("record_base", 20, "first word of the records")
OUT_BASE = u("out_base", 24, "element address of the first output")
OUT_STEP = u("out_step", 22, "elements from one output pixel to the next")
IN_ZERO_POINT = s("in_zero_point", 16, "zero-point of the input")
OUT_ZERO_POINT = s("out_zero_point", 16, "zero-point of the output")
LOW = s("low", 16, "lowest output code")
HIGH = s("high", 16, "highest output code")
