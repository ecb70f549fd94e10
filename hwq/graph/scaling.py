"""How each contract's program scales a layer: the factors, and which way halves go."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.requantization import effective_scales
from hwq.numeric.requantize import Contract


def scales_under(contract: Contract, network: Network, layer: WeightedLayer) -> NDArray[np.float64]:
    """Factor of each output channel, float64 [channels].

    `hwq.graph.requantization.effective_scales`, except where a program rounds scales otherwise: XNNPACK computes
    all of it in float32, and LiteRT's optimized dense kernel the product of input and weight scale, if the weights
    have but one.
    """
    source = network.tensors[layer.inputs[0]].quantization.scale[0]
    target = network.tensors[layer.output].quantization.scale[0]
    weights = layer.weight_quantization.scale
    if contract is Contract.FP32HE:
        scales = ((source * weights) / target).astype(np.float64)
    elif contract is Contract.UP2 and isinstance(layer, Dense) and not layer.weight_quantization.per_channel:
        scales = (source * weights).astype(np.float64) / np.float64(target)
    else:
        return effective_scales(network, layer)
    return np.ascontiguousarray(np.broadcast_to(scales, (layer.channels,)))


def halves_go_away(layer: WeightedLayer, contract: Contract) -> NDArray[np.bool_]:
    """Whether each channel's second rounding takes halves away from zero, as DOUBLE does, or up, as UP2 does.

    LiteRT's optimized kernels, which UP2 stands for, leave grouped convolutions to the reference, and in depthwise ones
    the channels behind the last whole vector of eight.
    """
    channels = np.arange(layer.channels)
    if contract is not Contract.UP2 or (isinstance(layer, Conv2D) and layer.groups > 1):
        return np.ones(len(channels), np.bool_)
    whole = len(channels) // 8 * 8 if isinstance(layer, DepthwiseConv2D) else len(channels)
    return np.asarray(channels >= whole)
