"""What each contract makes of every accumulator of a layer, measured with the emulator's own kernels."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwq.emulate import Emulator
from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.requantization import effective_scales
from hwq.graph.tensors import Tensor
from hwq.numeric.bounds import accumulator_bounds, operand_range
from hwq.numeric.formats import INT32
from hwq.numeric.requantize import Contract

#: The larger of a channel's two weights, and with it how many codes the smaller one counts through.
_STEP = 127

#: Codes by which contracts may differ from the exact result, with room: beyond it every one of them is clamped.
_MARGIN = 2


class Ruler:
    """A layer of two weights for each channel, 1 and 127, that has all else of ``layer``.

    Its two operands run through all their codes, so that its accumulators are every number from its bias up to some
    32,000 more. What kind of layer, which channel and which scale a contract goes by are the real layer's.

    Parameters
    ----------
    network, layer:
        The layer, where it is.
    """

    def __init__(self, network: Network, layer: WeightedLayer) -> None:
        source, target = network.tensors[layer.inputs[0]].quantization, network.tensors[layer.output].quantization
        zero = int(source.zero_point[0])
        codes = np.arange(source.format.min, source.format.max + 1)
        #: From accumulator to bias: what the least codes of both operands contribute.
        self._least = (1 + _STEP) * (int(codes[0]) - zero)
        fine, coarse = np.meshgrid(codes[:_STEP], codes)
        self.length = fine.size
        self._x, self._layer = _ruled(layer, fine, coarse)
        shape = (*self._x.shape[1:-1], layer.channels) if self._x.ndim == 3 else (1, fine.shape[1], layer.channels)
        tensors = {
            "input": Tensor("input", self._x.shape[1:], source),
            "output": Tensor("output", shape, target),
        }
        self._x = self._x.astype(source.format.dtype)
        self._network = Network("ruler", tensors, (), "input", "output")
        low, high = accumulator_bounds(layer.channel_rows, *operand_range(source.format, zero, subtracted=True))
        scales = np.maximum(effective_scales(network, layer), 2.0**-40)
        bottom, top = (bound - int(target.zero_point[0]) for bound in layer.clamp)
        #: First and last accumulator of each channel that its weights may give and whose code may not be a bound.
        self.first = np.maximum(low + layer.bias, np.floor((bottom - _MARGIN) / scales)).astype(np.int64)
        self.last = np.minimum(high + layer.bias, np.ceil((top + _MARGIN) / scales)).astype(np.int64)
        #: Whether all channels treat accumulators alike. In depthwise layers programs treat the last ones apart.
        self._alike = not layer.weight_quantization.per_channel and not isinstance(layer, DepthwiseConv2D)
        #: Whether results grow with the accumulator in every contract: no accumulator is shifted out of its 32 bits.
        self.monotone = bool(
            (scales < 0.5).all() and (self.first >= INT32.min).all() and (self.last <= INT32.max).all()
        )

    def starts(self) -> Iterator[NDArray[np.int64]]:
        """Where to lay the ruler on, an accumulator of each channel, int64 [channels], to meet every accumulator."""
        if self._alike:
            # Each channel takes a part of what all of them are asked for.
            step, channels = self.length * len(self.first), self.length * np.arange(len(self.first))
            yield from (begin + channels for begin in range(int(self.first.min()), int(self.last.max()) + 1, step))
        else:
            for index in range(-(-int((self.last - self.first + 1).max()) // self.length)):
                yield self.first + index * self.length

    def channel(self, ruled: int, accumulator: int) -> int | None:
        """A channel that may have the accumulator and treats it as the ruler's channel ``ruled`` does."""
        if not self._alike:
            return ruled if accumulator <= self.last[ruled] else None
        able = np.flatnonzero((self.first <= accumulator) & (accumulator <= self.last))
        return int(able[0]) if able.size else None

    def codes(self, contract: Contract, start: NDArray[np.int64]) -> NDArray[np.integer]:
        """Output codes [length, channels] of the accumulators from ``start`` [channels] on, one after the other."""
        bias = np.clip(start - self._least, INT32.min, INT32.max).astype(np.int32)
        layer = dataclasses.replace(self._layer, bias=bias)
        network = dataclasses.replace(self._network, layers=(layer,))
        return Emulator(network, contract).run(self._x).reshape(self.length, -1)


def _ruled(
    layer: WeightedLayer, fine: NDArray[np.integer], coarse: NDArray[np.integer]
) -> tuple[NDArray[np.integer], WeightedLayer]:
    """The operands [N, *input shape] of a ruler and its layer, from the codes of both operands."""
    ends: dict[str, Any] = {"inputs": ("input",), "output": "output"}
    still: dict[str, Any] = {"dilation": (1, 1), "padding": (0, 0, 0, 0)}
    pair, weights = np.stack([fine, coarse], axis=-1), np.array([1, _STEP], np.int8)
    if isinstance(layer, Dense):
        return pair, dataclasses.replace(layer, **ends, weights=np.tile(weights, (layer.channels, 1)))
    if isinstance(layer, Conv2D):
        x = np.tile(pair[:, None], layer.groups)
        tiled = np.tile(weights, (layer.channels, 1, 1, 1))
        return x, dataclasses.replace(layer, **ends, **still, stride=(1, 1), weights=tiled)
    assert isinstance(layer, DepthwiseConv2D)
    x = np.repeat(pair.reshape(len(pair), 1, -1, 1), layer.channels, axis=-1)
    tiled = np.repeat(weights[None, :, None], layer.channels, axis=-1)
    return x, dataclasses.replace(layer, **ends, **still, stride=(1, 2), weights=tiled, depth_multiplier=1)
