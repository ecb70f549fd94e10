"""Where the inputs and outputs of windows lie in memory: tables of byte offsets for the compiled kernels."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hwq.emulate.memory import SLACK
from hwq.errors import ModelError
from hwq.graph.layers import Padding
from hwq.graph.shapes import image_output_size

Offsets = NDArray[np.int64]
Pair = tuple[int, int]

#: Entries that a table of offsets should not exceed, so that it stays in the first-level cache.
_TABLE = 512

#: Bytes of the largest padded image.
_LARGEST = 1 << 30


class Windows:
    """Windows of a convolution over an image whose elements are bytes.

    Parameters
    ----------
    shape:
        Of the image, (height, width, channels).
    kernel, stride, dilation, padding:
        Of the convolution.
    out_channels:
        Channels of the output image.
    fill:
        Byte that stands in the padding.
    together:
        Neighboring output pixels that are computed as one; divides the output's width.

    Raises
    ------
    ModelError
        The padded image is larger than 1 GiB.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        kernel: Pair,
        stride: Pair,
        dilation: Pair,
        padding: Padding,
        out_channels: int,
        fill: int,
        together: int = 1,
    ) -> None:
        height, width, channels = shape
        top, bottom, left, right = padding
        self.rows = (height, width * channels)
        self.source_bytes = height * width * channels
        #: Without padding the sample itself is read, and there is no frame.
        self.padded = any(padding)
        pitch = (width + left + right) * channels
        self._frame_shape = (height + top + bottom, pitch) if self.padded else (0, 0)
        if (height + top + bottom) * pitch > _LARGEST:
            raise ModelError(
                f"the input is {height + top + bottom} x {width + left + right} x {channels} with its padding; "
                f"the emulator takes images of up to {_LARGEST} bytes"
            )
        self.fill = fill
        self.corner = (top, left * channels)
        #: Row and element in it at which a sample begins in its padded image, and elements of a row.
        self.layout = (*self.corner, pitch)
        #: Of a padded image.
        self.image_elements = (height + top + bottom) * pitch
        out_height, out_width = image_output_size((height, width), kernel, stride, dilation, padding)
        self.outputs = out_height * out_width
        self.target_bytes = self.outputs * out_channels
        ys = np.arange(out_height, dtype=np.int64) * stride[0] * pitch
        xs = np.arange(out_width, dtype=np.int64) * stride[1] * channels
        self._pixels = (ys[:, None] + xs[::together]).reshape(-1)
        self._targets = np.arange(0, self.outputs, together, dtype=np.int64) * out_channels
        self._kernel_rows = np.arange(kernel[0], dtype=np.int64) * dilation[0] * pitch
        self._kernel_columns = np.arange(kernel[1], dtype=np.int64) * dilation[1] * channels
        self._channels = channels
        self._dense_rows = dilation[1] == 1 or kernel[1] == 1
        #: Samples that one table covers.
        self.samples = 1 if self.padded else max(1, _TABLE // self.outputs)
        self.tables = lru_cache(maxsize=4)(self._tables)

    @property
    def taps(self) -> Offsets:
        """Offset of each kernel element's first channel from its window's first, row-major."""
        return (self._kernel_rows[:, None] + self._kernel_columns).reshape(-1)

    def runs(self, depth: int) -> tuple[Offsets, int]:
        """Offsets of the runs of adjacent bytes that a window reads, and their length; ``depth`` channels are read.

        A row of the kernel is one run where nothing lies between its elements.
        """
        if depth == self._channels and self._dense_rows:
            return self._kernel_rows, depth * len(self._kernel_columns)
        return self.taps, depth

    def frame(self) -> NDArray[np.uint8]:
        """A padded image [height, width * channels] of ``fill``, with room behind it; empty without padding."""
        height, pitch = self._frame_shape
        size = height * pitch
        return np.full(size + SLACK if size else 0, self.fill, np.uint8)[:size].reshape(height, pitch)

    def steps(self, samples: int) -> Iterator[tuple[int, int, int]]:
        """Calls of a kernel that cover ``samples``: (first sample, steps, samples of a step)."""
        whole = samples // self.samples
        if whole:
            yield 0, whole, self.samples
        if samples % self.samples:
            yield whole * self.samples, 1, samples % self.samples

    def _tables(self, samples: int, rows: int) -> tuple[Offsets, Offsets]:
        """Offsets of first inputs and of outputs for ``samples`` samples, repeated to a multiple of ``rows``."""
        first = np.arange(samples, dtype=np.int64)[:, None]
        pixels = (first * self.source_bytes + self._pixels).reshape(-1)
        targets = (first * self.target_bytes + self._targets).reshape(-1)
        fill = -len(pixels) % rows
        return np.pad(pixels, (0, fill), mode="edge"), np.pad(targets, (0, fill), mode="edge")
