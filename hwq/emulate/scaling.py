"""From accumulators to output codes before the zero-point, under each contract."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hwq.graph.layers import Conv2D, Dense, DepthwiseConv2D
from hwq.graph.network import Network
from hwq.graph.requantization import effective_scales, output_channels
from hwq.numeric.requantize import Contract, quantize_multiplier, requantize

Weighted = Conv2D | DepthwiseConv2D | Dense
Scaling = Callable[[NDArray[np.int64]], NDArray[np.int64]]


def make_scaling(network: Network, layer: Weighted, contract: Contract) -> Scaling:
    """Function from accumulators [..., channels] to scaled values, int64 both."""
    if contract is Contract.FP32HE:
        factors = single_precision_scales(network, layer)
        return lambda acc: np.rint(acc.astype(np.float32) * factors).astype(np.int64)
    scales = effective_scales(network, layer)
    if contract is Contract.F64AWAY:
        return lambda acc: _round_away(acc * scales)
    multiplier, shift = quantize_multiplier(scales)
    return lambda acc: requantize(acc, multiplier, shift, contract)


def single_precision_scales(network: Network, layer: Weighted) -> NDArray[np.float32]:
    """XNNPACK's factor between accumulator and output codes: ``(input * weight[c]) / output``, all in float32."""
    source = network.tensors[layer.inputs[0]].quantization.scale[0]
    target = network.tensors[layer.output].quantization.scale[0]
    scales = (source * layer.weight_quantization.scale) / target
    return np.ascontiguousarray(np.broadcast_to(scales.astype(np.float32), (output_channels(layer),)))


def _round_away(x: NDArray[np.float64]) -> NDArray[np.int64]:
    return (np.sign(x) * np.floor(np.abs(x) + 0.5)).astype(np.int64)
