"""Convolution and dense layers, planned once and run on batches."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import kernels
from hwq.emulate.constants import ChannelConstants, tag
from hwq.emulate.geometry import Windows
from hwq.emulate.memory import Bytes
from hwq.emulate.vectors import has_vnni
from hwq.graph.layers import Conv2D, Dense
from hwq.graph.network import Network
from hwq.numeric.bounds import magnitude_bound
from hwq.numeric.formats import INT8
from hwq.numeric.requantize import Contract

#: Rows of a tile by its vectors of 16 channels: as many as registers and load ports carry.
_TILE_ROWS = {1: 12, 2: 8, 4: 6}
_FINISH_ROWS = 4

#: Largest sum of magnitudes that a product in float32 gives exactly.
_EXACT_SINGLE = 1 << 24

#: Bytes of float columns that one BLAS call takes.
_COLUMN_BYTES = 1 << 19


class DotProduct:
    """Convolution or dense layer by AVX-512 VNNI: bytes in, bytes out, nothing in between is stored.

    Parameters
    ----------
    windows:
        Where inputs and outputs lie.
    weights:
        int8 [channels, runs, run]: of each output channel, along the runs of bytes that a window reads.
    runs:
        Offset of each run.
    make_constants:
        Constants of the channels for a given stride.
    first_input, first_output:
        Channel of the input and of the output at which the layer, or this group of it, begins.
    """

    def __init__(
        self, windows: Windows, weights: NDArray[np.int8], runs: NDArray[np.int64], make_constants: Any,
        first_input: int, first_output: int,
    ) -> None:  # fmt: skip
        channels, _, run = weights.shape
        self._vectors = 4 if channels > 32 else 2 if channels > 16 else 1
        self._rows = _TILE_ROWS[self._vectors]
        width = 16 * self._vectors
        self._constants = make_constants(-(-channels // width) * width, offset=128)
        groups = -(-run // 4)
        packed = np.zeros((self._constants.integers.shape[1], len(runs), groups * 4), np.int8)
        packed[:channels, :, :run] = weights
        # [blocks, runs, groups, channels of the block, 4]
        blocks = packed.reshape(-1, width, len(runs), groups, 4).transpose(0, 2, 3, 1, 4)
        self._weights = np.ascontiguousarray(blocks).reshape(-1)
        self._groups = (runs[:, None] + np.arange(groups, dtype=np.int64) * 4).reshape(-1)
        self._windows, self._first_input, self._first_output = windows, first_input, first_output

    def __call__(self, out: Bytes, x: Bytes) -> None:
        """Compute ``out`` [N, ...] from ``x`` [N, ...], contiguous."""
        windows, constants = self._windows, self._constants
        images = x.reshape(len(x), *windows.rows)
        flat = out.reshape(len(out), -1)
        frame = windows.frame()
        for first, steps, samples in windows.steps(len(x)):
            pixels, targets = windows.tables(samples, self._rows)
            kernels.dot_pixels(
                images[first:],
                frame,
                windows.corner,
                steps,
                samples * windows.source_bytes,
                pixels,
                self._groups + self._first_input,
                self._weights,
                constants.integers,
                constants.roundings,
                constants.factors,
                constants.valid,
                constants.bounds,
                flat[first:],
                samples * windows.target_bytes,
                targets + self._first_output,
                tag(self._rows),
                tag(self._vectors),
                constants.contract,
            )


class FloatProduct:
    """Convolution or dense layer by BLAS: operands become floats, whose products and sums are exact.

    float32 where the sum of magnitudes stays within 2^24, float64 elsewhere: its 2^53 are out of reach. The
    parameters are those of `DotProduct`.
    """

    def __init__(
        self, windows: Windows, weights: NDArray[np.int8], runs: NDArray[np.int64], make_constants: Any,
        first_input: int, first_output: int,
    ) -> None:  # fmt: skip
        channels, _, self._run = weights.shape
        self._constants = make_constants(-(-channels // 16) * 16, offset=0)
        rows = weights.reshape(channels, -1)
        kind = np.float32 if magnitude_bound(rows, INT8.min, INT8.max).max() <= _EXACT_SINGLE else np.float64
        self._weights = np.zeros((rows.shape[1], self._constants.integers.shape[1]), kind)
        self._weights[:, :channels] = rows.T
        self._windows, self._runs = windows, runs + first_input
        self._first_output = first_output

    def __call__(self, out: Bytes, x: Bytes) -> None:
        """Compute ``out`` [N, ...] from ``x`` [N, ...], contiguous."""
        windows, constants, weights = self._windows, self._constants, self._weights
        images = x.reshape(len(x), *windows.rows)
        flat = out.reshape(len(out), -1)
        frame = windows.frame()
        limit = max(_FINISH_ROWS, _COLUMN_BYTES // (weights.shape[0] * weights.itemsize) // _FINISH_ROWS * _FINISH_ROWS)
        for first, steps, samples in windows.steps(len(x)):
            pixels, targets = windows.tables(samples, _FINISH_ROWS)
            together = max(1, min(steps, limit // pixels.size))
            for step in range(0, steps, together):
                count = min(together, steps - step)
                begin = first + step * samples
                for p in range(0, pixels.size, limit):
                    part = slice(p, p + limit)
                    columns = np.empty((count * pixels[part].size, weights.shape[0]), weights.dtype)
                    source_step, target_step = samples * windows.source_bytes, samples * windows.target_bytes
                    kernels.gather_columns(
                        images[begin:], frame, windows.corner, count, source_step, pixels[part], self._runs, self._run,
                        columns,
                    )  # fmt: skip
                    kernels.finish_pixels(
                        columns @ weights,
                        count,
                        weights.dtype.type(0),
                        constants.integers,
                        constants.roundings,
                        constants.factors,
                        constants.valid,
                        constants.bounds,
                        flat[begin:],
                        target_step,
                        targets[part] + self._first_output,
                        tag(_FINISH_ROWS),
                        constants.contract,
                    )


class Convolution:
    """Convolution in groups: each group a product of its own.

    Parameters
    ----------
    network, layer, contract:
        The layer, where it is, and how its accumulators are scaled.
    product:
        `DotProduct` or `FloatProduct`.
    """

    def __init__(self, network: Network, layer: Conv2D, contract: Contract, product: type[Product]) -> None:
        height, width, in_channels = network.tensors[layer.inputs[0]].shape
        out_channels, kernel_h, kernel_w, depth = layer.weights.shape
        zero = int(network.tensors[layer.inputs[0]].quantization.zero_point[0])
        windows = Windows(
            (height, width, in_channels),
            (kernel_h, kernel_w),
            layer.stride,
            layer.dilation,
            layer.padding,
            out_channels,
            zero + 128,
        )
        runs, run = windows.runs(depth)
        size = out_channels // layer.groups
        self._products = []
        for group in range(layer.groups):
            part = slice(group * size, (group + 1) * size)
            make = partial(ChannelConstants, network, layer, contract, part)
            weights = layer.weights[part].astype(np.int8, copy=False).reshape(size, len(runs), run)
            self._products.append(product(windows, weights, runs, make, group * depth, part.start))

    def __call__(self, out: Bytes, x: Bytes) -> None:
        """Compute ``out`` [N, ...] from ``x`` [N, ...], contiguous."""
        for product in self._products:
            product(out, x)


class FullyConnected:
    """Dense layer: every row of the input is a window of its own.

    Parameters
    ----------
    network, layer, contract, product:
        As those of `Convolution`.
    """

    def __init__(self, network: Network, layer: Dense, contract: Contract, product: type[Product]) -> None:
        units, depth = layer.weights.shape
        rows = network.tensors[layer.inputs[0]].elements // depth
        windows = Windows((1, rows, depth), (1, 1), (1, 1), (1, 1), (0, 0, 0, 0), units, 0)
        runs, run = windows.runs(depth)
        make = partial(ChannelConstants, network, layer, contract, slice(None))
        weights = layer.weights.astype(np.int8, copy=False).reshape(units, len(runs), run)
        self._product = product(windows, weights, runs, make, 0, 0)

    def __call__(self, out: Bytes, x: Bytes) -> None:
        """Compute ``out`` [N, ...] from ``x`` [N, ...], contiguous."""
        self._product(out, x)


Product = DotProduct | FloatProduct


def fastest_product() -> type[Product]:
    """The kind of product that this processor computes fastest."""
    return DotProduct if has_vnni() else FloatProduct
