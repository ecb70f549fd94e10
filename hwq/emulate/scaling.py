"""The factor between accumulators and output codes as each contract's program computes it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Dense, WeightedLayer
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
