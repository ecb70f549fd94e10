"""Layers of multiply-accumulates: convolution, depthwise convolution and dense, planned once and run on batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import kernels
from hwq.emulate.epilogue import BOUNDED, NUMBERS
from hwq.emulate.geometry import Windows
from hwq.emulate.memory import Bytes, allocate
from hwq.emulate.scaling import Weighted, scales_under
from hwq.emulate.vectors import has_vnni
from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D
from hwq.graph.network import Network
from hwq.graph.requantization import channel_rows, output_channels
from hwq.graph.tensors import Quantization
from hwq.numeric.bounds import accumulator_bounds
from hwq.numeric.formats import INT32
from hwq.numeric.requantize import Contract, quantize_multiplier

#: Rows of a tile by its vectors of 16 channels: as many as registers and load ports carry.
_TILE_ROWS = {1: 12, 2: 8, 4: 6}
_DEPTHWISE_ROWS = 4
_FINISH_ROWS = 4

#: Largest sums of magnitudes that a product in float32, and in float64, gives exactly.
_EXACT_SINGLE = 1 << 24

#: Bytes of float columns that one BLAS call takes.
_COLUMN_BYTES = 1 << 19


def tag(length: int) -> tuple[int, ...]:
    """A number for a kernel to be specialized by."""
    return (0,) * length


class ChannelConstants:
    """Biases and scales of ``channels`` output channels as the kernels read them, padded to ``stride`` channels.

    Parameters
    ----------
    network, layer, contract:
        The layer, where it is, and how its accumulators are scaled.
    part:
        The channels it is about.
    stride:
        Their number rounded up.
    offset:
        What the kernel's operands exceed the codes by: operands are ``code + offset``.
    """

    def __init__(
        self, network: Network, layer: Weighted, contract: Contract, part: slice, stride: int, offset: int
    ) -> None:
        source = network.tensors[layer.inputs[0]].quantization
        target = network.tensors[layer.output].quantization
        channels = range(output_channels(layer))[part]
        weights = layer.weights if isinstance(layer, DepthwiseConv2D) else np.moveaxis(layer.weights, 0, -1)
        totals = weights.reshape(-1, weights.shape[-1]).sum(axis=0, dtype=np.int64)
        bias = layer.bias.astype(np.int64) - totals * (int(source.zero_point[0]) + offset)
        scales = scales_under(contract, network, layer)
        multiplier, shift = quantize_multiplier(scales)
        self.valid = len(channels)
        self.integers = np.zeros((5, stride), np.int32)
        rows = (
            bias,
            multiplier,
            np.maximum(shift, 0),
            np.maximum(-shift, 0),
            -_halves_go_away(layer, contract).astype(np.int64),
        )
        for row, values in zip(self.integers, rows, strict=True):
            row[: self.valid] = values[part].astype(np.int32)
        self.factors = np.zeros(stride, np.float64)
        self.factors[: self.valid] = scales[part]
        zero = int(target.zero_point[0])
        self.bounds = np.array([layer.clamp[0] - zero, layer.clamp[1] - zero, zero + 128], np.int32)
        self.contract = tag(NUMBERS[contract])
        self.roundings = np.zeros(stride, np.int64)
        if contract is Contract.DOUBLE and _is_bounded(layer, source, zero, multiplier, shift):
            self.contract = tag(BOUNDED)
            half = np.int64(1) << (-shift[part] - 1)
            self.roundings[: self.valid] = (1 << 30) + ((half * (1 + 2 * (zero + 128))) << 31)
            self.integers[3, self.valid :] = 1
        blocks = self.roundings.reshape(-1, 8, 2)
        self.roundings = np.ascontiguousarray(blocks.transpose(0, 2, 1)).reshape(-1)


def _halves_go_away(layer: Weighted, contract: Contract) -> NDArray[np.bool_]:
    """Whether each channel's second rounding takes halves away from zero, as DOUBLE does, or up, as UP2 does.

    LiteRT's optimized kernels, which UP2 stands for, leave grouped convolutions to the reference, and in depthwise ones
    the channels behind the last whole vector of eight.
    """
    channels = np.arange(output_channels(layer))
    if contract is not Contract.UP2 or (isinstance(layer, Conv2D) and layer.groups > 1):
        return np.ones(len(channels), np.bool_)
    whole = len(channels) // 8 * 8 if isinstance(layer, DepthwiseConv2D) else len(channels)
    return channels >= whole


def _is_bounded(
    layer: Weighted, source: Quantization, zero: int, multiplier: NDArray[np.int64], shift: NDArray[np.int64]
) -> bool:
    """Whether `epilogue.BOUNDED` computes this layer: right shifts only, and every sum inside 32 bits."""
    zero_point = int(source.zero_point[0])
    codes = source.format
    low, high = accumulator_bounds(channel_rows(layer), codes.min - zero_point, codes.max - zero_point)
    reach = np.maximum(np.abs(low + layer.bias), np.abs(high + layer.bias))
    if (shift > -1).any() or (shift < -22).any() or (reach > INT32.max).any():
        return False
    half = np.int64(1) << (-shift - 1)
    largest = ((reach * multiplier) >> 31) + 2 + half * (1 + 2 * abs(zero + 128))
    return bool((largest <= INT32.max).all())


def _steps(windows: Windows, samples: int) -> Iterator[tuple[int, int, int]]:
    """Calls that cover ``samples``: (first sample, steps, samples of a step)."""
    whole = samples // windows.samples
    if whole:
        yield 0, whole, windows.samples
    if samples % windows.samples:
        yield whole * windows.samples, 1, samples % windows.samples


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
        for first, steps, samples in _steps(windows, len(x)):
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
        largest = 128 * int(np.abs(rows.astype(np.int64)).sum(axis=1).max())
        kind = np.float32 if largest <= _EXACT_SINGLE else np.float64
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
        for first, steps, samples in _steps(windows, len(x)):
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


class Depthwise:
    """Depthwise convolution; a depth multiplier repeats the input's channels first.

    Few channels at stride 1 are taken several pixels at a time: what is adjacent in the image then fills a vector.

    Parameters
    ----------
    network, layer, contract:
        The layer, where it is, and how its accumulators are scaled.
    """

    def __init__(self, network: Network, layer: DepthwiseConv2D, contract: Contract) -> None:
        height, width, _ = network.tensors[layer.inputs[0]].shape
        kernel_h, kernel_w, channels = layer.weights.shape
        zero = int(network.tensors[layer.inputs[0]].quantization.zero_point[0])
        together = _pixels_together(layer, network.tensors[layer.output].shape[1], contract)
        self._windows = Windows(
            (height, width, channels),
            (kernel_h, kernel_w),
            layer.stride,
            layer.dilation,
            layer.padding,
            channels,
            zero + 128,
            together,
        )
        repeated = _repeat_channels(layer, together)
        stride = -(-channels * together // 16) * 16
        self._constants = ChannelConstants(network, repeated, contract, slice(None), stride, 128)
        self._weights = np.zeros((kernel_h * kernel_w, stride), np.int32)
        self._weights[:, : channels * together] = repeated.weights.reshape(kernel_h * kernel_w, -1)
        self._repeats = layer.depth_multiplier

    def __call__(self, out: Bytes, x: Bytes) -> None:
        """Compute ``out`` [N, ...] from ``x`` [N, ...], contiguous."""
        windows, constants = self._windows, self._constants
        if self._repeats > 1:
            wide = allocate((*x.shape[:-1], x.shape[-1] * self._repeats))
            wide[...] = np.repeat(x, self._repeats, axis=-1)
            x = wide
        images = x.reshape(len(x), *windows.rows)
        flat = out.reshape(len(out), -1)
        frame = windows.frame()
        for first, steps, samples in _steps(windows, len(x)):
            pixels, targets = windows.tables(samples, _DEPTHWISE_ROWS)
            kernels.depthwise_pixels(
                images[first:],
                frame,
                windows.corner,
                steps,
                samples * windows.source_bytes,
                pixels,
                windows.taps,
                self._weights,
                constants.integers,
                constants.roundings,
                constants.factors,
                constants.valid,
                constants.bounds,
                flat[first:],
                samples * windows.target_bytes,
                targets,
                tag(_DEPTHWISE_ROWS),
                constants.contract,
            )


def _pixels_together(layer: DepthwiseConv2D, width: int, contract: Contract) -> int:
    """Neighboring output pixels whose channels make one vector; 1 where they do not, or their inputs are not adjacent.

    UP2 tells channels apart by their number, which a repetition would change.
    """
    channels = output_channels(layer)
    together = 16 // channels if channels < 16 and 16 % channels == 0 else 1
    return together if layer.stride[1] == 1 and width % together == 0 and contract is not Contract.UP2 else 1


def _repeat_channels(layer: DepthwiseConv2D, times: int) -> DepthwiseConv2D:
    """The layer with its channels ``times`` over."""
    quantization = layer.weight_quantization
    if quantization.per_channel:
        scale, zero_point = np.tile(quantization.scale, times), np.tile(quantization.zero_point, times)
        quantization = replace(quantization, scale=scale, zero_point=zero_point)
    return replace(
        layer,
        weights=np.tile(layer.weights, (1, 1, times)),
        bias=np.tile(layer.bias, times),
        weight_quantization=quantization,
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
            weights = layer.weights[part].reshape(size, len(runs), run)
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
        self._product = product(windows, layer.weights.reshape(units, len(runs), run), runs, make, 0, 0)

    def __call__(self, out: Bytes, x: Bytes) -> None:
        """Compute ``out`` [N, ...] from ``x`` [N, ...], contiguous."""
        self._product(out, x)


Product = DotProduct | FloatProduct


def fastest_product() -> type[Product]:
    """The kind of product that this processor computes fastest."""
    return DotProduct if has_vnni() else FloatProduct
