"""Inputs of a layer with weights that lead to accumulators on which contracts differ, or the proof that there are none.

Such accumulators are rare, one in a hundred thousand between float64 and integers: random inputs of small layers miss
them. They are found by trying all, channel by channel, and an input that leads to one is then put together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hwq.contracts.ruler import Ruler
from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.bounds import operand_range
from hwq.numeric.requantize import Contract

Codes = NDArray[np.integer]

#: Most codes that the search computes under one contract, accumulators of a pair of contracts and inputs put together
#: for them at a time, and attempts to put one together.
_MOST_CODES = 1 << 27
_PLACES = 64
_INPUTS = 4
_ATTEMPTS = 20


class Aim:
    """The search for inputs of one layer that tell tied contracts apart.

    Parameters
    ----------
    network, layer:
        The layer, where it is.
    tied:
        Gives the contracts that tie, one of each arithmetic; it is asked again after every input.
    seed:
        Of the random part of the inputs.
    """

    def __init__(
        self, network: Network, layer: WeightedLayer, tied: Callable[[], Sequence[Contract]], seed: int
    ) -> None:
        self._network, self._layer, self._tied = network, layer, tied
        self._ruler = Ruler(network, layer)
        self._random = np.random.default_rng(seed)
        #: Pairs that differ on some accumulator, and whether every accumulator has been looked at.
        self._differ: set[tuple[Contract, Contract]] = set()
        self._whole = False

    @property
    def proven(self) -> bool:
        """Whether the contracts that still tie are equal on every accumulator that the layer's weights may give."""
        return self._whole and self._ruler.monotone and not self._differ & set(combinations(self._tied(), 2))

    def inputs(self) -> Iterator[Codes]:
        """Inputs [N, *shape] on which tied contracts differ, as long as some tie and accumulators are left."""
        left = _MOST_CODES
        for start in self._ruler.starts():
            left -= self._ruler.length * self._layer.channels
            if left < 0:
                return
            tied = self._tied()
            if len(tied) < 2:
                return
            codes = {contract: self._ruler.codes(contract, start) for contract in tied}
            for pair in combinations(tied, 2):
                places = np.argwhere(codes[pair[0]] != codes[pair[1]])
                chosen = self._random.permutation(places)[:_PLACES]
                found = [(self._ruler.channel(c, int(start[c]) + i), int(start[c]) + i) for i, c in chosen.tolist()]
                real = [(channel, accumulator) for channel, accumulator in found if channel is not None]
                if not real and len(places) <= _PLACES:
                    continue
                self._differ.add(pair)
                if set(pair) <= set(self._tied()):
                    inputs = [x for place in real if (x := self._input(*place)) is not None][:_INPUTS]
                    if inputs:
                        yield np.stack(inputs)
        self._whole = True

    def _input(self, channel: int, accumulator: int) -> Codes | None:
        """An input that gives the channel this accumulator at the middle of the output, if one is found."""
        source = self._network.tensors[self._layer.inputs[0]]
        zero = int(source.quantization.zero_point[0])
        low, high = operand_range(source.quantization.format, zero, subtracted=True)
        places, weights = _taps(self._network, self._layer, channel)
        target = accumulator - int(self._layer.bias[channel])
        for _ in range(_ATTEMPTS):
            operands = _operands(weights, target, low, high, self._random)
            if operands is not None:
                x = np.full(source.elements, zero, np.int64)
                x[places] = operands + zero
                return x.reshape(source.shape).astype(source.quantization.format.dtype)
        return None


def _operands(
    weights: NDArray[np.int64], target: int, low: int, high: int, random: np.random.Generator
) -> NDArray[np.int64] | None:
    """Operands in [low, high] whose products with the weights sum to ``target``, if this attempt finds them.

    The target is shared out in proportion to what each weight could give, with some noise; what is missing then is
    made up by the weights one after the other, the largest first.
    """
    best = np.where((weights > 0) == (target > 0), high, low)
    reach = int(weights @ best)
    if not reach or abs(target) > abs(reach):
        return None
    noise = random.uniform(-0.1, 0.1, len(weights)) * (high - low) * random.integers(0, 2)
    operands = np.clip(np.rint(best * (target / reach) + noise), low, high).astype(np.int64)
    missing = target - int(weights @ operands)
    for index in np.argsort(-np.abs(weights), kind="stable"):
        weight = int(weights[index])
        if not missing or not weight:
            break
        moved = min(max(int(operands[index]) + round(missing / weight), low), high)
        missing -= weight * (moved - int(operands[index]))
        operands[index] = moved
    return None if missing else operands


def _taps(network: Network, layer: WeightedLayer, channel: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where in the flat input the operands of a channel's middle output lie, and their weights; padding is left out."""
    shape = network.tensors[layer.inputs[0]].shape
    if isinstance(layer, Dense):
        return np.arange(layer.weights.shape[1]), layer.weights[channel].astype(np.int64)
    assert isinstance(layer, Conv2D | DepthwiseConv2D)
    height, width, depth = shape
    if isinstance(layer, Conv2D):
        kernel = layer.weights[channel].astype(np.int64)
        per_group = kernel.shape[-1]
        planes = channel // (layer.channels // layer.groups) * per_group + np.arange(per_group)
    else:
        kernel = layer.weights[..., channel, None].astype(np.int64)
        planes = np.array([channel // layer.depth_multiplier])
    output = network.tensors[layer.output].shape
    rows, columns = (
        output[axis] // 2 * layer.stride[axis] - layer.padding[2 * axis] + layer.dilation[axis] * np.arange(size)
        for axis, size in enumerate(kernel.shape[:2])
    )
    places = (rows[:, None, None] * width + columns[:, None]) * depth + planes
    inside = ((rows >= 0) & (rows < height))[:, None, None] & ((columns >= 0) & (columns < width))[:, None]
    inside = np.broadcast_to(inside, places.shape)
    return places[inside], kernel[inside]
