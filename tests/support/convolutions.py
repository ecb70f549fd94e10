"""Networks of convolutions and dense layers for tests of schedule, export and verification."""

from __future__ import annotations

import random

import numpy as np

from hwq.graph.layers import Conv2D, Dense, Layer
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import INT8


def quantization(scale: float, zero_point: int) -> Quantization:
    return Quantization(INT8, np.asarray([scale], np.float32), np.asarray([zero_point], np.int32))


def _weight_quantization(rng: np.random.Generator, channels: int) -> Quantization:
    scales = rng.uniform(0.001, 0.02, channels).astype(np.float32)
    return Quantization(INT8, scales, np.zeros(channels, np.int32), 0)


def random_convolution(seed: int) -> Network:
    """One convolution: strides, dilations, paddings, groups, odd sizes, and scales that need shifts of either sign."""
    choose = random.Random(seed)
    rng = np.random.default_rng(seed)
    while True:
        groups = choose.choice([1, 1, 1, 2, 3])
        height, width = choose.randint(1, 9), choose.randint(1, 9)
        channels_in, channels_out = choose.randint(1, 7) * groups, choose.randint(1, 10) * groups
        kernel = choose.randint(1, min(5, height)), choose.randint(1, min(5, width))
        stride = choose.randint(1, 3), choose.randint(1, 3)
        dilation = choose.choice([1, 1, 2]), choose.choice([1, 1, 2])
        padding = (0, 0, 0, 0)
        if choose.random() < 0.7:
            padding = tuple(choose.randint(0, k - 1) for k in (kernel[0], kernel[0], kernel[1], kernel[1]))
        out_h = (height + padding[0] + padding[1] - (kernel[0] - 1) * dilation[0] - 1) // stride[0] + 1
        out_w = (width + padding[2] + padding[3] - (kernel[1] - 1) * dilation[1] - 1) // stride[1] + 1
        if out_h >= 1 and out_w >= 1:
            break
    zero_in, zero_out = int(rng.integers(-128, 128)), int(rng.integers(-128, 128))
    layer = Conv2D(
        name="conv",
        inputs=("x",),
        output="y",
        weights=rng.integers(-127, 128, (channels_out, *kernel, channels_in // groups)).astype(np.int8),
        weight_quantization=_weight_quantization(rng, channels_out),
        bias=rng.integers(-3000, 3000, channels_out).astype(np.int32),
        stride=stride,
        dilation=dilation,
        padding=padding,
        clamp=(zero_out, 127) if choose.random() < 0.5 else (-128, 127),
        groups=groups,
    )
    tensors = {
        "x": Tensor("x", (height, width, channels_in), quantization(0.05, zero_in)),
        "y": Tensor("y", (out_h, out_w, channels_out), quantization(choose.choice([0.1, 0.1, 0.0002]), zero_out)),
    }
    return Network("random", tensors, (layer,), "x", "y")


def small_network(seed: int = 1) -> Network:
    """Two convolutions and a dense layer whose sizes do not divide a 4x4 array: [6, 5, 3] to 7 outputs."""
    rng = np.random.default_rng(seed)

    def conv(
        name: str, source: str, target: str, shape: tuple[int, ...], stride: int, padding: tuple[int, ...]
    ) -> Layer:
        return Conv2D(
            name=name,
            inputs=(source,),
            output=target,
            weights=rng.integers(-127, 128, shape).astype(np.int8),
            weight_quantization=_weight_quantization(rng, shape[0]),
            bias=rng.integers(-500, 500, shape[0]).astype(np.int32),
            stride=(stride, stride),
            dilation=(1, 1),
            padding=padding,  # type: ignore[arg-type]
            clamp=(-128, 127),
        )

    dense = Dense(
        name="classes",
        inputs=("deep",),
        output="scores",
        weights=rng.integers(-127, 128, (7, 60)).astype(np.int8),
        weight_quantization=_weight_quantization(rng, 7),
        bias=rng.integers(-500, 500, 7).astype(np.int32),
        clamp=(-128, 127),
    )
    tensors = {
        "image": Tensor("image", (6, 5, 3), quantization(0.02, 4)),
        "wide": Tensor("wide", (6, 5, 6), quantization(0.2, -9)),
        "deep": Tensor("deep", (3, 2, 10), quantization(2.0, 3)),
        "scores": Tensor("scores", (7,), quantization(30.0, -1)),
    }
    layers = (
        conv("first", "image", "wide", (6, 3, 3, 3), 1, (1, 1, 1, 1)),
        conv("second", "wide", "deep", (10, 2, 3, 6), 2, (0, 0, 0, 0)),
        dense,
    )
    return Network("small", tensors, layers, "image", "scores")


def reaching_network(bits: int) -> tuple[Network, np.ndarray]:
    """A dense layer whose sum is the largest that ``bits`` bits hold, almost, and the input [1, n] that gets it there.

    With a zero-point of 0 and inputs of -128, the sum is ``128 * sum(|w|)``.
    """
    count = -(-(1 << bits - 2) // (128 * 127)) + 1
    weights = np.full((1, count), -127, np.int8)
    layer = Dense(
        name="reach",
        inputs=("x",),
        output="y",
        weights=weights,
        weight_quantization=quantization(0.01, 0),
        bias=np.zeros(1, np.int32),
        clamp=(-128, 127),
    )
    scale = float(128 * 127 * count * 0.01 * 0.01 / 100)
    tensors = {
        "x": Tensor("x", (count,), quantization(0.01, 0)),
        "y": Tensor("y", (1,), quantization(scale, 0)),
    }
    return Network("reaching", tensors, (layer,), "x", "y"), np.full((1, count), -128, np.int8)
