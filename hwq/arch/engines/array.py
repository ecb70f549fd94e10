"""The array engine: CONV, a convolution or dense layer, or one group of it."""

from __future__ import annotations

from hwq.arch.engines.fields import (
    HIGH,
    IN_BASE,
    IN_HEIGHT,
    IN_ZERO_POINT,
    LAST_GROUPS,
    LAST_LANES,
    LOW,
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
from hwq.arch.layout import WORD_BITS, Layout, s, u

LAYOUT = Layout(
    (
        OPCODE,
        u("tile_pixels", 15, "output pixels of a full pixel tile"),
        u("blocks", 16, "blocks of output channels, one array width each"),
        LAST_GROUPS,
        LAST_LANES,
        u("pixels", 24, "output pixels of the layer"),
        u("out_width", 16, "output pixels of a row"),
        u("ky_count", 12, "kernel rows, one run or more each"),
        u("kx_count", 12, "runs in a kernel row: 1, or the kernel's width where pixels are dilated"),
        u("chunk_count", 24, "array-high chunks of a run"),
        u("run", 24, "contiguous elements of a run"),
        s("x_start", 22, "row position of the first pixel's run, in elements; negative in left padding"),
        IN_BASE,
        u("in_row", 22, "elements of an input row; positions outside are padding"),
        Y_START,
        IN_HEIGHT,
        u("x_step", 22, "elements from one output pixel to the next"),
        Y_STEP,
        u("y_step_elements", 26, "the same in elements"),
        u("kx_step", 22, "elements from one run of a kernel row to the next"),
        u("ky_step", 12, "input rows from one kernel row to the next"),
        u("ky_step_elements", 26, "the same in elements"),
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
"""The descriptor of CONV."""
