"""How a convolution is cut to the array: runs, chunks, passes, blocks and pixel tiles (docs/spec/accelerator.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.arch.accelerator import Accelerator, ceil_div
from hwq.schedule.geometry import Convolution


@dataclass(frozen=True, eq=False)
class ConvPlan:
    """A convolution on an accelerator.

    A *run* is a stretch of contiguous input elements that meets contiguous weights: a kernel row where pixels are
    adjacent, one pixel's channels where they are dilated or the group has only part of them, the whole kernel where it
    spans the input's width. Runs are cut to *chunks* as high as the array; a chunk is a *pass*. Output channels are cut
    to *blocks* as wide as the array, output pixels to *tiles* that fit an accumulator bank.

    ``runs_y`` and ``runs_x`` count the runs of a kernel vertically and in one kernel row, ``run`` is a run's elements,
    ``bound`` the elements from a row's start beyond which everything is padding.
    """

    convolution: Convolution
    accelerator: Accelerator
    runs_y: int
    runs_x: int
    run: int
    bound: int

    @property
    def chunks(self) -> int:
        """Chunks of a run."""
        return ceil_div(self.run, self.accelerator.array.rows)

    @property
    def passes(self) -> int:
        """Passes of a job."""
        return self.runs_y * self.runs_x * self.chunks

    @property
    def blocks(self) -> int:
        """Blocks of output channels."""
        return ceil_div(self.convolution.channels_out, self.accelerator.array.columns)

    @property
    def tile_pixels(self) -> int:
        """Output pixels of a full tile: as even as the accumulator bank allows."""
        depth = self.accelerator.buffers.accumulators
        tiles = ceil_div(self.convolution.pixels, depth)
        return ceil_div(self.convolution.pixels, tiles)

    @property
    def tiles(self) -> list[int]:
        """Pixels of each tile."""
        full, pixels = self.tile_pixels, self.convolution.pixels
        return [min(full, pixels - begin) for begin in range(0, pixels, full)]

    @property
    def kx_step(self) -> int:
        """Elements from one run of a kernel row to the next."""
        return self.convolution.dilation[1] * self.convolution.pixel_elements

    def block_columns(self, block: int) -> int:
        """Output channels in ``block``."""
        columns = self.accelerator.array.columns
        return min(columns, self.convolution.channels_out - block * columns)

    def block_groups(self, block: int) -> int:
        """Lane groups that the drain takes for each pixel of ``block``."""
        return ceil_div(self.block_columns(block), self.accelerator.lanes)

    @property
    def weight_rows(self) -> int:
        """Rows of weights: every tile takes all of the array's."""
        return self.blocks * self.passes * self.accelerator.array.rows

    @property
    def record_words(self) -> int:
        """Words of record memory: every block takes all lane groups."""
        return self.blocks * (self.accelerator.array.columns // self.accelerator.lanes)

    def tiled_weights(self) -> NDArray[np.int64]:
        """Weights in the order of their use, int64 [weight_rows, columns]; rows and columns without a weight hold 0."""
        rows, columns = self.accelerator.array.rows, self.accelerator.array.columns
        c = self.convolution
        # [out, run_y, run_x, run]: the taps and channels of a run are contiguous in the weights as in the input.
        runs = c.weights.reshape(c.channels_out, self.runs_y, self.runs_x, self.run)
        padded = np.zeros((self.blocks * columns, self.runs_y, self.runs_x, self.chunks * rows), dtype=np.int64)
        padded[: c.channels_out, :, :, : self.run] = runs
        tiles = padded.reshape(self.blocks, columns, self.passes, rows)
        return tiles.transpose(0, 2, 3, 1).reshape(-1, columns)


def plan_convolution(convolution: Convolution, accelerator: Accelerator) -> ConvPlan:
    """Choose the runs: the longest that are contiguous."""
    c = convolution
    kernel_h, kernel_w = c.kernel
    whole_pixels = c.channels_in == c.pixel_elements
    row = c.input_size[1] * c.pixel_elements
    if whole_pixels and kernel_w == c.input_size[1] and c.dilation == (1, 1) and not c.padded:
        # The kernel spans whole input rows, so that its rows are contiguous too.
        return ConvPlan(c, accelerator, 1, 1, kernel_h * row, kernel_h * row)
    if whole_pixels and (c.dilation[1] == 1 or kernel_w == 1):
        return ConvPlan(c, accelerator, kernel_h, 1, kernel_w * c.channels_in, row)
    return ConvPlan(c, accelerator, kernel_h, kernel_w, c.channels_in, row)
