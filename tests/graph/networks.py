"""A small network that holds every kind of layer, built without any reader."""

from __future__ import annotations

import numpy as np

from hwq.graph.layers import (
    Activation,
    ActivationKind,
    Add,
    Concatenation,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Layer,
    Mean,
    Pad,
    Pool2D,
    PoolKind,
    Requantize,
    Reshape,
    Softmax,
)
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import INT8, UINT8, IntFormat

FULL = (-128, 127)


def quantization(scale: float = 0.05, zero_point: int = 3, code_format: IntFormat = INT8) -> Quantization:
    return Quantization(code_format, np.asarray([scale], np.float32), np.asarray([zero_point], np.int32))


def per_channel(count: int, axis: int) -> Quantization:
    scales = np.linspace(0.01, 0.02, count).astype(np.float32)
    return Quantization(INT8, scales, np.zeros(count, np.int32), axis)


def network_of_every_layer(seed: int = 5) -> Network:
    """uint8 [8, 6, 4] to 5 probabilities, through every kind of layer."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Tensor] = {}
    layers: list[Layer] = []

    def weights(*shape: int) -> np.ndarray:
        return rng.integers(-127, 128, shape).astype(np.int8)

    def bias(count: int) -> np.ndarray:
        return rng.integers(-1000, 1000, count).astype(np.int32)

    def tensor(name: str, shape: tuple[int, ...], quantized: Quantization | None = None) -> str:
        tensors[name] = Tensor(name, shape, quantized or quantization(), origin=f"model/{name}")
        return name

    def common(name: str, inputs: tuple[str, ...], shape: tuple[int, ...], quantized: Quantization | None = None):  # type: ignore[no-untyped-def]
        return {"name": name, "inputs": inputs, "output": tensor(name, shape, quantized)}

    tensor("image", (8, 6, 4), quantization(0.05, 131, UINT8))
    layers.append(Requantize(**common("signed", ("image",), (8, 6, 4))))
    layers.append(
        Conv2D(
            **common("conv", ("signed",), (8, 6, 6)),
            weights=weights(6, 3, 2, 2),
            weight_quantization=per_channel(6, 0),
            bias=bias(6),
            stride=(1, 1),
            dilation=(1, 1),
            padding=(1, 1, 0, 1),
            clamp=(3, 100),
            groups=2,
        )
    )
    layers.append(Activation(**common("leaky", ("conv",), (8, 6, 6)), kind=ActivationKind.LEAKY_RELU, alpha=0.1))
    layers.append(Add(**common("sum", ("conv", "leaky"), (8, 6, 6), quantization(0.1)), clamp=FULL))
    layers.append(
        Pool2D(
            **common("pool", ("sum",), (4, 3, 6), quantization(0.1)),
            kind=PoolKind.MAX,
            kernel=(2, 2),
            stride=(2, 2),
            padding=(0, 0, 0, 0),
            clamp=FULL,
        )
    )
    layers.append(
        DepthwiseConv2D(
            **common("depthwise", ("pool",), (4, 3, 12)),
            weights=weights(3, 3, 12),
            weight_quantization=per_channel(12, 2),
            bias=bias(12),
            stride=(1, 1),
            dilation=(1, 1),
            padding=(1, 1, 1, 1),
            clamp=FULL,
            depth_multiplier=2,
        )
    )
    layers.append(Pad(**common("pad", ("depthwise",), (5, 3, 12)), amounts=((1, 0), (0, 0), (0, 0)), value=3))
    layers.append(Concatenation(**common("joined", ("pad", "depthwise"), (9, 3, 12)), axis=0))
    layers.append(Mean(**common("mean", ("joined",), (1, 1, 12)), axes=(0, 1)))
    layers.append(Reshape(**common("flat", ("mean",), (12,))))
    layers.append(
        Dense(
            **common("dense", ("flat",), (5,)),
            weights=weights(5, 12),
            weight_quantization=quantization(0.01, 0),
            bias=bias(5),
            clamp=FULL,
        )
    )
    layers.append(Softmax(**common("softmax", ("dense",), (5,), quantization(1 / 256, -128)), beta=1.5))
    return Network("every_layer", tensors, tuple(layers), "image", "softmax")
