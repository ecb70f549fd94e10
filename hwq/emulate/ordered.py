"""Layers whose sums may leave their width: which channels' could, and what computes those."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hwq.emulate.clamping.forms import Form, exact, plan
from hwq.emulate.clamping.plain import PlainSums
from hwq.emulate.clamping.product import Operands, OrderedProduct, fits_counters, vectors_of
from hwq.emulate.constants import ChannelConstants
from hwq.emulate.geometry import Windows
from hwq.emulate.memory import Bytes
from hwq.emulate.vectors import has_vnni
from hwq.errors import ConfigError
from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.accumulation import BiasPlace, Granularity, SumOverflow
from hwq.numeric.bounds import accumulator_bounds, operand_range
from hwq.numeric.formats import INT8, INT32
from hwq.numeric.requantization import OutputOverflow, Requantization
from hwq.numeric.requantize import Contract, wrap32
from hwq.schedule.order import OrderedSum

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Contracts of the kernels of vectors.
_FAST = (Contract.DOUBLE, Contract.SINGLE)

#: Beyond this part of a layer's channels, taking the others apart costs more than it saves.
_MOST = 0.75


@dataclass(frozen=True)
class Overflows:
    """How often the sums of a layer left their widths, by output channel, int64 [channels] each; over all samples."""

    psum: Integers
    accumulator: Integers
    output: Integers

    @property
    def totals(self) -> Integers:
        """Of all channels: psums, accumulators, outputs."""
        return np.array([self.psum.sum(), self.accumulator.sum(), self.output.sum()])


class Ordered:
    """A convolution or dense layer, grouped and depthwise ones too, summed as ``how`` says.

    Channels whose sums are proven to stay within their width, in every order, are computed as anywhere else, unless
    something is counted; of the depthwise layers all are taken alike. Truncated products, sums of 32 bits and more that
    overflow, and passes of more than 32,896 products are added one by one (`clamping.plain`); all others by vectors.

    Parameters
    ----------
    network, layer:
        The layer, and where it is.
    contract:
        An integer contract: how its sums are scaled.
    how:
        Order and widths.
    usual:
        Makes what computes the layer with exact sums.
    count:
        Whether events are counted.

    Raises
    ------
    ConfigError
        The contract is another one, whose sums are exact.
    """

    def __init__(
        self,
        network: Network,
        layer: WeightedLayer,
        contract: Contract,
        how: OrderedSum,
        usual: Callable[[], Callable[[Bytes, Bytes], None]],
        count: bool,
    ) -> None:
        if contract in (Contract.F64AWAY, Contract.FP32HE):
            raise ConfigError(
                f"layer {layer.name}: contract {contract.value} is computed with exact sums only, and arithmetic."
                f"overflow is {how.accumulation.overflow.value}"
            )
        self.counting = count
        self._events = np.zeros((layer.channels, 3), np.int64)
        self._repeats = layer.depth_multiplier if isinstance(layer, DepthwiseConv2D) else 1
        parts = None if _is_odd(network, layer, how) else _parts(network, layer, contract, how, count)
        if parts is None:
            self._parts: Parts = [(np.arange(layer.channels), PlainSums(network, layer, how))]
            self._repeats = 1
        else:
            self._parts = parts
        done = sum(len(channels) for channels, _ in self._parts)
        self._usual = None if done == layer.channels else usual()

    @property
    def overflows(self) -> Overflows:
        """Since this was made."""
        events = np.zeros_like(self._events)
        for channels, part in self._parts:
            events[channels] = part.events
        return Overflows(*events.T.copy())

    def __call__(self, out: Bytes, x: Bytes) -> None:
        """Compute ``out`` [N, ...] from ``x`` [N, ...]."""
        if self._usual is not None:
            self._usual(out, x)
        if self._repeats > 1:
            x = np.repeat(x, self._repeats, axis=-1)
        for _, part in self._parts:
            part(out, x)


Parts = list[tuple[Integers, OrderedProduct | PlainSums]]


def _is_unusual(requantization: Requantization) -> bool:
    """Whether hardware scales sums as none of the programs does that contracts stand for."""
    saturates = requantization.output_overflow is OutputOverflow.SATURATE
    return not saturates or requantization.contract in (Contract.PLAIN, Contract.SHIFT)


def differs(network: Network, layer: WeightedLayer, how: OrderedSum) -> bool:
    """Whether outputs of ``layer`` could be others than those of exact sums, scaled as programs do."""
    if how.accumulation.truncate or _is_unusual(how.requantization):
        return True
    return may_overflow(network, layer, how) or _enters_beyond(network, layer, how)


def may_overflow(network: Network, layer: WeightedLayer, how: OrderedSum) -> bool:
    """Whether a sum of ``layer`` could leave its width, whatever the order: then the order has to be followed."""
    if how.accumulation.overflow is SumOverflow.REFUSE:
        return False
    return any(bool(leaving.any()) for leaving in overflowing(network, layer, how))


def overflowing(network: Network, layer: WeightedLayer, how: OrderedSum) -> tuple[Flags, Flags]:
    """Channels of which the sum of a pass, and of which the accumulator, could leave its width: bool [channels] each.

    Passes are those of the schedule; what is added up of them may be added in any order.
    """
    spec, rows = how.accumulation, layer.channel_rows.astype(np.int64)
    if spec.truncate:
        return np.ones(len(rows), np.bool_), np.ones(len(rows), np.bool_)
    source = network.tensors[layer.inputs[0]].quantization
    low, high = operand_range(source.format, int(source.zero_point[0]), how.subtracted)
    low, high = min(low, 0), max(high, 0)
    begins = np.r_[0, np.cumsum(how.passes)[:-1]]
    positive, negative = (np.add.reduceat(limit(rows, 0), begins, axis=1) for limit in (np.maximum, np.minimum))
    lows, highs = positive * low + negative * high, positive * high + negative * low
    psums = np.zeros(len(rows), np.bool_)
    if spec.granularity is Granularity.PASS and spec.psum_bits is not None:
        psums = _outside(lows.min(axis=1), highs.max(axis=1), spec.range(spec.psum_bits))
    bias = _bias(network, layer, how)
    initial = spec.initial(bias)
    accumulators = _outside(initial + lows.sum(axis=1), initial + highs.sum(axis=1), spec.range(spec.accumulator_bits))
    if spec.bias is BiasPlace.INITIAL:
        accumulators |= initial != bias
    return psums, accumulators


def _outside(low: Integers, high: Integers, bounds: tuple[int, int]) -> Flags:
    return (low < bounds[0]) | (high > bounds[1])


def _bias(network: Network, layer: WeightedLayer, how: OrderedSum) -> Integers:
    """What is added to the products of each channel, int64 [channels], the zero-point's part included."""
    zero = int(network.tensors[layer.inputs[0]].quantization.zero_point[0])
    bias = layer.bias.astype(np.int64)
    return wrap32(bias if how.subtracted else bias - zero * layer.channel_rows.sum(axis=1, dtype=np.int64))


def _is_odd(network: Network, layer: WeightedLayer, how: OrderedSum) -> bool:
    """Whether only `PlainSums` computes the layer.

    Codes or weights are not of 8 bits, products are truncated, a total beyond 32 bits saturates, or sums are scaled in
    a way of hardware's own.
    """
    if how.codes != INT8 or layer.wide:
        return True
    scaled_alike = not _is_unusual(how.requantization) and how.requantization.contract in _FAST
    return how.accumulation.truncate > 0 or not scaled_alike or _enters_beyond(network, layer, how)


def _enters_beyond(network: Network, layer: WeightedLayer, how: OrderedSum) -> bool:
    """Whether a total could leave the 32 bits that are requantized, and saturate there."""
    if not how.accumulation.is_wide:
        return False
    source = network.tensors[layer.inputs[0]].quantization
    operands = operand_range(source.format, int(source.zero_point[0]), how.subtracted)
    bias = _bias(network, layer, how)
    totals = [bias + bound for bound in accumulator_bounds(layer.channel_rows, *operands)]
    return not all(INT32.contains(total) for total in totals)


def _parts(network: Network, layer: WeightedLayer, contract: Contract, how: OrderedSum, count: bool) -> Parts | None:
    """Channels that follow the order, and with ``count`` the others too, with what computes them.

    ``None`` where no kernel of vectors does.
    """
    psums, accumulators = overflowing(network, layer, how)
    leaving = psums | accumulators
    if isinstance(layer, DepthwiseConv2D) or (not count and leaving.mean() > _MOST):
        leaving[:] = leaving.any()
    spec, products = how.accumulation, sum(how.passes)
    bias = _bias(network, layer, how)
    initial = spec.initial(bias)
    after = np.zeros_like(bias) if spec.bias is BiasPlace.INITIAL else bias
    reach = max(map(abs, spec.range(spec.accumulator_bits))) + np.abs(after)
    parts: Parts = []
    for members, operands in _groups(network, layer, how):
        for exactly in (False, True):
            chosen = np.flatnonzero(leaving[members] != exactly)
            if not len(chosen) or (exactly and not count):
                continue
            channels = members[chosen]
            found = exact(products) if exactly else plan(spec, how.passes, bool(psums[channels].any()), count)
            if found is None:
                return None
            if not fits_counters(found, len(chosen), has_vnni()):
                found = replace(found, form=Form.WIDE)
            width = 16 * vectors_of(found.form, len(chosen))
            stride = -(-len(chosen) // width) * width
            constants = ChannelConstants(network, layer, contract, channels, stride, sums=(after, reach))
            part = replace(operands, weights=operands.weights[chosen])
            parts.append(
                (channels, OrderedProduct(part, found, initial[channels], channels, constants, count, has_vnni()))
            )
    return parts


def _groups(network: Network, layer: WeightedLayer, how: OrderedSum) -> Iterator[tuple[Integers, Operands]]:
    """Channels that multiply the same operands, or each their own, and what they multiply."""
    source = network.tensors[layer.inputs[0]]
    zero = int(source.quantization.zero_point[0])
    subtracted, rows = zero if how.subtracted else 0, layer.channel_rows.astype(np.int64)
    everything = np.arange(layer.channels)
    if isinstance(layer, Dense):
        shape = (1, source.elements // rows.shape[1], rows.shape[1])
        windows = Windows(shape, (1, 1), (1, 1), (1, 1), (0, 0, 0, 0), layer.channels, 0)
        yield everything, Operands(windows, np.arange(rows.shape[1]), rows, subtracted)
        return
    assert isinstance(layer, Conv2D | DepthwiseConv2D)
    height, width, channels = source.shape
    apart = isinstance(layer, DepthwiseConv2D)
    kernel = layer.weights.shape[:2] if apart else layer.weights.shape[1:3]
    shape = (height, width, layer.channels if apart else channels)
    windows = Windows(shape, kernel, layer.stride, layer.dilation, layer.padding, layer.channels, zero + 128)
    if isinstance(layer, DepthwiseConv2D):
        yield everything, Operands(windows, windows.taps, rows, subtracted, depthwise=True)
        return
    depth = layer.weights.shape[3]
    taps = (windows.taps[:, None] + np.arange(depth)).reshape(-1)
    size = layer.channels // layer.groups
    for group in range(layer.groups):
        members = everything[group * size :][:size]
        yield members, Operands(windows, taps + group * depth, rows[members], subtracted)
