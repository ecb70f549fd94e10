"""Convolution and dense layers in one form: groups of plain 2-D convolutions over element-addressed tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D
from hwq.graph.network import Network
from hwq.graph.scaling import halves_go_away, scales_under
from hwq.numeric.formats import IntFormat
from hwq.numeric.requantize import Contract


@dataclass(frozen=True, eq=False)
class Convolution:
    """One group of a convolution, or a dense layer as the 1x1 convolution of one pixel.

    Elements are counted as they lie in memory, (row, column, channel). ``first_channel`` and ``first_output`` are where
    the group's channels begin among all ``pixel_elements`` channels of an input pixel and ``output_elements`` of an
    output pixel.

    ``weights`` int64 [channels out, kernel_h, kernel_w, channels in]; ``bias`` int64 [channels out]; ``scales`` float64
    [channels out], from accumulator to output code; ``away`` bool [channels out]: whether halves of its second rounding
    go away from zero; (height, width) pairs throughout; ``start`` is the input position
    of the first output pixel's first tap, negative in padding.
    """

    layer: str
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    pixel_elements: int
    output_elements: int
    first_channel: int
    first_output: int
    weights: NDArray[np.int64]
    bias: NDArray[np.int64]
    scales: NDArray[np.float64]
    away: NDArray[np.bool_]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    start: tuple[int, int]
    padded: bool
    input_format: IntFormat
    input_zero_point: int
    output_zero_point: int
    clamp: tuple[int, int]

    @property
    def kernel(self) -> tuple[int, int]:
        """(height, width) of the kernel."""
        return int(self.weights.shape[1]), int(self.weights.shape[2])

    @property
    def channels_in(self) -> int:
        """Input channels of the group."""
        return int(self.weights.shape[3])

    @property
    def channels_out(self) -> int:
        """Output channels of the group."""
        return int(self.weights.shape[0])

    @property
    def pixels(self) -> int:
        """Output pixels."""
        return self.output_size[0] * self.output_size[1]

    @property
    def macs(self) -> int:
        """Multiply-accumulates, those that meet padding included."""
        return self.pixels * self.weights.size


def convolutions(
    network: Network, layer: Conv2D | DepthwiseConv2D | Dense, contract: Contract = Contract.DOUBLE
) -> list[Convolution]:
    """The layer as one :class:`Convolution` per group, scaled as programs of ``contract`` do."""
    source, target = network.tensors[layer.inputs[0]], network.tensors[layer.output]
    scales, away = scales_under(contract, network, layer), halves_go_away(layer, contract)
    bias = layer.bias.astype(np.int64)
    if isinstance(layer, Dense):
        outputs, features = layer.weights.shape
        weights = layer.values.reshape(outputs, 1, 1, features)
        size = out_size = (1, 1)
        pixel_elements, output_elements, groups = features, outputs, 1
        stride = dilation = (1, 1)
        padding = (0, 0, 0, 0)
        if source.elements != features:
            # Every row of a batched matrix product is a pixel.
            size = out_size = (1, source.elements // features)
    else:
        if isinstance(layer, DepthwiseConv2D):
            # Every input channel is a group of its own, with depth_multiplier outputs.
            weights, groups = np.moveaxis(layer.values, 2, 0)[..., np.newaxis], source.shape[2]
        else:
            weights, groups = layer.values, layer.groups
        size, out_size = (source.shape[0], source.shape[1]), (target.shape[0], target.shape[1])
        pixel_elements, output_elements = source.shape[2], target.shape[2]
        stride, dilation, padding = layer.stride, layer.dilation, layer.padding
    per_group = weights.shape[0] // groups
    result = []
    for group in range(groups):
        chosen = slice(group * per_group, (group + 1) * per_group)
        result.append(
            Convolution(
                layer=layer.name,
                input_size=size,
                output_size=out_size,
                pixel_elements=pixel_elements,
                output_elements=output_elements,
                first_channel=group * weights.shape[3],
                first_output=group * per_group,
                weights=weights[chosen].astype(np.int64),
                bias=bias[chosen],
                scales=scales[chosen],
                away=away[chosen],
                stride=stride,
                dilation=dilation,
                start=(-padding[0], -padding[2]),
                padded=any(padding),
                input_format=source.quantization.format,
                input_zero_point=int(source.quantization.zero_point[0]),
                output_zero_point=int(target.quantization.zero_point[0]),
                clamp=layer.clamp,
            )
        )
    return result
