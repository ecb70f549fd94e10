"""The products of a layer's outputs: which weight meets which element of the input, and between what they lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from hwq.numeric.accumulation import BiasPlace
from hwq.numeric.bounds import operand_range
from hwq.numeric.requantize import wrap32
from hwq.schedule.geometry import convolutions
from hwq.schedule.order import OrderedSum

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Spot:
    """An output pixel: its row and column, and which of its products do not meet padding, bool [n]."""

    row: int
    column: int
    inside: NDArray[np.bool_]


class Terms:
    """What a layer adds up, channel by channel, in the order in which it is added.

    Parameters
    ----------
    network, layer:
        The layer, and where it is.
    how:
        Order and widths.
    """

    def __init__(self, network: Network, layer: WeightedLayer, how: OrderedSum) -> None:
        assert isinstance(layer, Conv2D | DepthwiseConv2D | Dense)
        self.layer, self.how = layer, how
        self.source: Tensor = network.tensors[layer.inputs[0]]
        #: Weights, int64 [channels, n].
        self.weights: Integers = layer.channel_rows.astype(np.int64)
        quantized = self.source.quantization
        self.zero_point = int(quantized.zero_point[0])
        #: Lowest and highest operand, and the one that stands in padding.
        self.operands = operand_range(quantized.format, self.zero_point, how.subtracted)
        self.padding = 0 if how.subtracted else self.zero_point
        #: Groups, all of one geometry.
        self.groups = convolutions(network, layer)

    @cached_property
    def bias(self) -> Integers:
        """What belongs to the sum beside its products, int64 [channels]: the bias, with a zero-point that is folded."""
        folded = 0 if self.how.subtracted else self.zero_point * self.weights.sum(axis=1)
        return wrap32(self.layer.bias.astype(np.int64) - folded)

    @cached_property
    def exact_start(self) -> Integers:
        """What accumulators would begin with if they were wide enough, int64 [channels]."""
        spec = self.how.accumulation
        return spec.product(self.bias) if spec.bias is BiasPlace.INITIAL else np.zeros_like(self.bias)

    @cached_property
    def start(self) -> Integers:
        """What accumulators begin with, int64 [channels]."""
        return self.how.accumulation.initial(self.bias)

    @cached_property
    def spots(self) -> tuple[Spot, ...]:
        """Output pixels of which one sees the worst: one that lies wholly inside, or else one for each kind of border.

        Where a window lies inside, every operand can be chosen, those that stand in another window's padding too.
        """
        c = self.groups[0]
        found = []
        for rows, columns in product(_positions(self, 0), _positions(self, 1)):
            (row, ys), (column, xs) = rows, columns
            inside = (ys[:, None] & xs)[..., None] & np.ones(c.channels_in, bool)
            found.append(Spot(row, column, inside.reshape(-1)))
        return tuple(found)

    def extremes(self, spot: Spot) -> tuple[Integers, Integers]:
        """Lowest and highest value of each product at ``spot``, int64 [channels, n] each, as they are added."""
        low, high = self.operands
        ends = [self.added(self.weights * np.where(spot.inside, end, self.padding)) for end in (low, high)]
        return np.minimum(*ends), np.maximum(*ends)

    def added(self, products: Integers) -> Integers:
        """Products as they are added: without the bits that are truncated."""
        return self.how.accumulation.product(products)

    def elements(self, spot: Spot, channel: int) -> Integers:
        """Place in the flat input of the operand of each product, int64 [n]; of those in padding it means nothing."""
        c = self.groups[channel // self.groups[0].channels_out]
        rows, columns = (
            c.start[axis] + place * c.stride[axis] + np.arange(c.kernel[axis]) * c.dilation[axis]
            for axis, place in enumerate((spot.row, spot.column))
        )
        pixels = rows[:, None] * c.input_size[1] + columns
        return (pixels[..., None] * c.pixel_elements + c.first_channel + np.arange(c.channels_in)).reshape(-1)


def _positions(terms: Terms, axis: int) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Along one axis an output whose taps lie inside, or one of each kind where there is none, with bool [taps]."""
    c = terms.groups[0]
    taps = np.arange(c.kernel[axis]) * c.dilation[axis]
    kinds: dict[bytes, tuple[int, NDArray[np.bool_]]] = {}
    for place in range(c.output_size[axis]):
        at = c.start[axis] + place * c.stride[axis] + taps
        inside = (at >= 0) & (at < c.input_size[axis])
        if inside.all():
            yield place, inside
            return
        kinds.setdefault(inside.tobytes(), (place, inside))
    yield from kinds.values()
