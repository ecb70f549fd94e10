"""Small accelerators under every contract, and networks that they take."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.engines.elementwise import ElementwiseParameters
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.engines.table import TableParameters
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, BufferParameters, RequantizerParameters
from hwq.graph.layers import WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.accumulation import BiasPlace, Granularity, SumOverflow
from hwq.numeric.requantization import OutputOverflow
from hwq.numeric.requantize import Contract
from hwq.numeric.rounding import Rounding

BUFFERS = BufferParameters(activations=1 << 15, weights=1 << 18, channels=1 << 13, descriptors=512, accumulators=32)


def powers_of_two(network: Network) -> Network:
    """The network with every scale rounded to a power of two, as contract `shift` needs them."""

    def rounded(scales: np.ndarray) -> np.ndarray:
        return np.exp2(np.rint(np.log2(scales))).astype(np.float32)

    tensors = {
        name: replace(tensor, quantization=replace(tensor.quantization, scale=rounded(tensor.quantization.scale)))
        for name, tensor in network.tensors.items()
    }
    layers = [
        replace(layer, weight_quantization=replace(q, scale=rounded(q.scale)))
        if isinstance(layer, WeightedLayer) and (q := layer.weight_quantization)
        else layer
        for layer in network.layers
    ]
    return replace(network, tensors=tensors, layers=tuple(layers))


def accelerator(contract: Contract, choose: random.Random) -> Accelerator:
    overflow = choose.choice(list(SumOverflow))
    return Accelerator(
        ArrayParameters(choose.randint(2, 4), choose.randint(2, 4)),
        ArithmeticParameters(
            contract=contract,
            overflow=overflow,
            granularity=choose.choice(list(Granularity)),
            accumulator_bits=24 if overflow is SumOverflow.REFUSE else choose.randint(14, 20),
            bias=choose.choice(list(BiasPlace)),
        ),
        RequantizerParameters(
            multiplier_bits=choose.choice([8, 16, 24]),
            add_bits=56,
            rounding=choose.choice(list(Rounding)),
            output_overflow=choose.choice(list(OutputOverflow)),
        ),
        BUFFERS,
        DepthwiseParameters(3, 3, 24),
        PoolingParameters(),
        ElementwiseParameters(),
        TableParameters(),
    )
