"""One addition after the other, whatever the width: what kernels of vectors do not do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.errors import ConfigError
from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.scaling import halves_go_away, scales_under
from hwq.graph.shapes import image_output_size
from hwq.numeric.accumulation import EXACT, BiasPlace, Granularity
from hwq.numeric.compiling import compiled
from hwq.numeric.formats import IntFormat
from hwq.numeric.requantization import Requantization
from hwq.numeric.requantize import Contract, wrap32
from hwq.numeric.rounding import Rounding
from hwq.schedule.order import OrderedSum

Integers = NDArray[np.int64]

#: Sums that one call of the kernel gives at most.
_SUMS = 1 << 22


def exact_sum(layer: WeightedLayer, contract: Contract, codes: IntFormat) -> OrderedSum:
    """Sums of ``layer`` without a chip: exact, in one pass, to ``codes``.

    Raises
    ------
    ConfigError
        The contract is not one of integers.
    """
    if contract in (Contract.F64AWAY, Contract.FP32HE):
        raise ConfigError(f"layer {layer.name}: contract {contract.value} is computed with 8 bits only")
    return OrderedSum(EXACT, (layer.channel_rows.shape[1],), True, Requantization(contract), codes)


class PlainSums:
    """A convolution or dense layer, grouped and depthwise ones too, summed as ``how`` says: any width, truncation too.

    Parameters
    ----------
    network, layer:
        The layer, and where it is.
    how:
        Order and widths, and how sums are scaled.
    """

    def __init__(self, network: Network, layer: WeightedLayer, how: OrderedSum) -> None:
        source, target = (network.tensors[name] for name in (layer.inputs[0], layer.output))
        zero = int(source.quantization.zero_point[0])
        rows = layer.channel_rows.astype(np.int64)
        self._channels, self._how = layer.channels, how
        self._fill, self._offset = (0, zero) if how.subtracted else (zero, 0)
        # Padding, the window and where each output begins, in elements of the padded image.
        kernel, stride, dilation = (1, 1), (1, 1), (1, 1)
        self._shape, self._padding = source.shape, (0, 0, 0, 0)
        if isinstance(layer, Dense):
            depth = layer.weights.shape[1]
            self._shape = (1, source.elements // depth, depth)
        else:
            assert isinstance(layer, Conv2D | DepthwiseConv2D)
            stride, dilation, self._padding = layer.stride, layer.dilation, layer.padding
            shape = (*layer.weights.shape[:2], 1) if isinstance(layer, DepthwiseConv2D) else layer.weights.shape[1:]
            kernel, depth = (shape[0], shape[1]), shape[2]
        height, width, channels = self._shape
        _, _, left, right = self._padding
        pitch = (width + left + right) * channels
        out_height, out_width = image_output_size((height, width), kernel, stride, dilation, self._padding)
        ys, xs = np.arange(out_height) * stride[0] * pitch, np.arange(out_width) * stride[1] * channels
        self._pixels = (ys[:, None] + xs).reshape(-1)
        tap_ys, tap_xs = np.arange(kernel[0]) * dilation[0] * pitch, np.arange(kernel[1]) * dilation[1] * channels
        self._taps = (tap_ys[:, None, None] + tap_xs[:, None] + np.arange(depth)).reshape(-1)
        self._firsts = np.arange(self._channels) // (self._channels * depth // channels) * depth
        self._weights = rows
        bias = layer.bias.astype(np.int64) - (0 if how.subtracted else zero * rows.sum(axis=1))
        bias = wrap32(bias)
        self._initial = how.accumulation.initial(bias)
        self._ends = np.cumsum(np.array(how.passes, dtype=np.int64))
        assert self._ends[-1] == rows.shape[1]
        self._limits = _limits(how)
        # A bias that comes after the sum: before the multiplication, or in what is added to the product.
        after = np.zeros_like(bias) if how.accumulation.bias is BiasPlace.INITIAL else bias
        spec = how.requantization
        self._before, behind = (np.zeros_like(bias), after) if spec.contract is Contract.PLAIN else (after, 0)
        scales = scales_under(spec.contract, network, layer)
        self._records = spec.encode(scales, behind, halves_go_away(layer, spec.contract))
        self._zero, self._clamp = int(target.quantization.zero_point[0]), layer.clamp
        self._codes = how.codes
        self._events = np.zeros((self._channels, 3), np.int64)

    @property
    def events(self) -> Integers:
        """How often psums, accumulators and codes left their widths, int64 [channels, 3]; since this was made."""
        return self._events

    def __call__(self, out: NDArray[Any], x: NDArray[Any]) -> None:
        """Compute ``out`` [N, ...] from ``x`` [N, ...]: bytes that exceed codes by 128, or codes of a wider type."""
        flat = out.reshape(len(out), -1, self._channels)
        together = max(1, _SUMS // (len(self._pixels) * self._channels))
        for first in range(0, len(x), together):
            part = slice(first, first + together)
            sums = self._sums(self._operands(x[part].astype(np.int32) - _excess(x)))
            flat[part] = self._finish(sums) + _excess(out)

    def _operands(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        """Operands of the products, int32 [N, elements of the padded image]."""
        top, bottom, left, right = self._padding
        height, width, channels = self._shape
        image = codes.reshape(len(codes), height, width, channels) - self._offset
        padding = ((0, 0), (top, bottom), (left, right), (0, 0))
        return np.pad(image, padding, constant_values=self._fill).reshape(len(codes), -1)

    def _sums(self, operands: NDArray[np.int32]) -> Integers:
        sums = np.empty((len(operands), len(self._pixels), self._channels), np.int64)
        spec = self._how.accumulation
        ordered_sums(
            operands,
            self._pixels,
            self._taps,
            self._firsts,
            self._weights,
            self._ends,
            self._initial,
            self._limits,
            spec.granularity is Granularity.MAC,
            spec.fitting.value == "wrap",
            spec.truncate,
            list(Rounding).index(spec.truncate_rounding),
            sums,
            self._events,
        )
        return sums

    def _finish(self, sums: Integers) -> Integers:
        spec = self._how.requantization
        values = spec.compute(self._how.accumulation.biased(sums, self._before), self._records)
        self._events[:, 2] += spec.clamped(values, self._zero, self._codes).sum(axis=(0, 1))
        return spec.code(values, self._zero, self._codes, self._clamp)


def _excess(x: NDArray[Any]) -> int:
    """What the elements of ``x`` exceed codes by."""
    return 128 if x.dtype == np.uint8 else 0


def _limits(how: OrderedSum) -> NDArray[np.int64]:
    """Range of the psums and of the accumulators, int64 [2, 2]; that of psums of any width is all of int64."""
    spec = how.accumulation
    everything = np.iinfo(np.int64)
    psum = (everything.min, everything.max) if spec.psum_bits is None else spec.range(spec.psum_bits)
    return np.array([psum, spec.range(spec.accumulator_bits)], dtype=np.int64)


@compiled
def ordered_sums(
    operands: Any,
    pixels: Any,
    taps: Any,
    firsts: Any,
    weights: Any,
    ends: Any,
    initial: Any,
    limits: Any,
    every: bool,
    wrap: bool,
    truncate: int,
    rounding: int,
    out: Any,
    events: Any,
) -> None:
    """Sums of all outputs, int64 [samples, pixels, channels], one addition after the other; events are added up.

    Parameters
    ----------
    operands:
        int32 [samples, elements]; element ``pixels[p] + firsts[c] + taps[k]`` meets ``weights[c, k]``.
    ends:
        One past the last product of each pass.
    limits:
        Lowest and highest psum and accumulator; ``every`` addition is fitted, or every pass.
    """
    psum_low, psum_high = limits[0]
    low, high = limits[1]
    for n in range(operands.shape[0]):
        for p in range(pixels.size):
            for c in range(firsts.size):
                base = pixels[p] + firsts[c]
                total = initial[c]
                k = 0
                for end in ends:
                    psum = 0
                    while k < end:
                        product = np.int64(operands[n, base + taps[k]]) * weights[c, k]
                        if truncate:
                            product = _truncated(product, truncate, rounding)
                        k += 1
                        if every:
                            total += product
                            if total < low or total > high:
                                events[c, 1] += 1
                                total = _fitted(total, low, high, wrap)
                        else:
                            psum += product
                    if not every:
                        if psum < psum_low or psum > psum_high:
                            events[c, 0] += 1
                            psum = _fitted(psum, psum_low, psum_high, wrap)
                        total += psum
                        if total < low or total > high:
                            events[c, 1] += 1
                            total = _fitted(total, low, high, wrap)
                out[n, p, c] = total


@compiled
def _fitted(value: int, low: int, high: int, wrap: bool) -> int:
    """A value out of range as one within; the range of a wrap is a power of two wide."""
    if wrap:
        return ((value - low) & (high - low)) + low
    return low if value < low else high


@compiled
def _truncated(value: int, bits: int, rounding: int) -> int:
    """``value / 2 ** bits`` under the rounding of that number in `Rounding` (numerics N.2)."""
    quotient = value >> bits
    rest, half = value - (quotient << bits), 1 << (bits - 1)
    if rounding == 0:
        up = False
    elif rounding == 1:
        up = value < 0 and rest > 0
    elif rest != half:
        up = rest > half
    elif rounding == 2:
        up = True
    elif rounding == 3:
        up = value < 0
    elif rounding == 4:
        up = False
    elif rounding == 5:
        up = value >= 0
    elif rounding == 6:
        up = quotient % 2 == 1
    else:
        up = quotient % 2 == 0
    return quotient + 1 if up else quotient
