"""A small network that every engine has a part in, on an accelerator small enough to be built in seconds."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.engines.elementwise import ElementwiseParameters
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.engines.table import TableParameters
from hwq.arch.parameters import ArrayParameters, BufferParameters, RequantizerParameters
from hwq.graph.checks import check_network
from hwq.graph.layers import (
    Activation,
    ActivationKind,
    Add,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Layer,
    Pad,
    Pool2D,
    PoolKind,
    Reshape,
)
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import INT8
from tests.support.convolutions import quantization

#: Two groups of lanes in a word, and tiles of at most 16 pixels.
ACCELERATOR = Accelerator(
    ArrayParameters(4, 4),
    requantizer=RequantizerParameters(lanes=2),
    buffers=BufferParameters(activations=2048, weights=4096, channels=128, descriptors=16, accumulators=16),
    depthwise=DepthwiseParameters(3, 3, 16),
    pooling=PoolingParameters(),
    elementwise=ElementwiseParameters(),
    table=TableParameters(),
)

SAME = (1, 1, 1, 1)


def every_engine_network() -> Network:
    """Padding at every border, several blocks, tiles and groups, the last ones partial; scales all different."""
    rng = np.random.default_rng(5)
    tensors: dict[str, Tensor] = {}
    layers: list[Layer] = []

    def tensor(name: str, shape: tuple[int, ...], scale: float, zero_point: int) -> None:
        tensors[name] = Tensor(name, shape, quantization(scale, zero_point))

    def weighted(shape: tuple[int, ...], channels: int, axis: int) -> dict[str, Any]:
        scales = rng.uniform(0.004, 0.02, channels).astype(np.float32)
        return {
            "weights": rng.integers(-127, 128, shape).astype(np.int8),
            "weight_quantization": Quantization(INT8, scales, np.zeros(channels, np.int32), axis),
            "bias": rng.integers(-900, 900, channels).astype(np.int32),
        }

    def layer(kind: type[Layer], inputs: tuple[str, ...], output: str, /, **fields: Any) -> None:
        layers.append(kind(name=f"{output}_layer", inputs=inputs, output=output, **fields))

    tensor("image", (9, 7, 3), 0.02, 4)
    tensor("wide", (9, 7, 7), 0.2, -9)
    tensor("deep", (9, 7, 7), 0.7, 12)
    tensor("pooled", (5, 4, 7), 0.7, 12)
    tensor("branch", (5, 4, 7), 1.5, -30)
    tensor("sum", (5, 4, 7), 0.5, 7)
    tensor("framed", (7, 5, 7), 0.5, 7)
    tensor("active", (7, 5, 7), 0.35, -20)
    tensor("flat", (245,), 0.35, -20)
    tensor("scores", (5,), 7.0, -1)

    unit = {"stride": (1, 1), "dilation": (1, 1)}
    clamp = (-128, 127)
    layer(Conv2D, ("image",), "wide", **weighted((7, 3, 3, 3), 7, 0), **unit, padding=SAME, clamp=clamp)
    depthwise = {**weighted((3, 3, 7), 7, 2), **unit, "padding": SAME, "depth_multiplier": 1, "clamp": clamp}
    layer(DepthwiseConv2D, ("wide",), "deep", **depthwise)
    window = {"kernel": (3, 3), "stride": (2, 2), "padding": SAME, "clamp": clamp}
    layer(Pool2D, ("deep",), "pooled", kind=PoolKind.AVERAGE, **window)
    layer(Conv2D, ("pooled",), "branch", **weighted((7, 1, 1, 7), 7, 0), **unit, padding=(0, 0, 0, 0), clamp=clamp)
    layer(Add, ("pooled", "branch"), "sum", clamp=clamp)
    layer(Pad, ("sum",), "framed", amounts=((1, 1), (1, 0), (0, 0)), value=7)
    layer(Activation, ("framed",), "active", kind=ActivationKind.LEAKY_RELU, alpha=0.1)
    layer(Reshape, ("active",), "flat")
    layer(Dense, ("flat",), "scores", **weighted((5, 245), 5, 0), clamp=clamp)
    network = Network("every_engine", tensors, tuple(layers), "image", "scores")
    check_network(network)
    return network
