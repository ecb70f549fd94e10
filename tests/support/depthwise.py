"""Layers and accelerators for the depthwise engine's tests."""

from __future__ import annotations

import random

import numpy as np

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    RequantizerParameters,
)
from hwq.graph.layers import Conv2D, DepthwiseConv2D, Padding
from hwq.graph.network import Network
from hwq.graph.shapes import image_output_size
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import INT8
from tests.support.convolutions import quantization

SIZES = [(1, 1), (1, 4), (4, 1), (2, 2), (3, 5), (4, 4), (1, 6), (5, 3), (8, 4), (9, 2), (2, 12)]
WINDOWS = [(3, 3), (3, 3), (3, 3), (1, 1), (1, 4), (2, 1), (2, 3), (5, 2), (4, 4)]


def accelerator_of(
    rows: int,
    columns: int,
    lanes: int,
    window: tuple[int, int] = (3, 3),
    line: int = 12,
    form: InputZeroPoint = InputZeroPoint.FOLDED,
    activations: int = 1024,
) -> Accelerator:
    return Accelerator(
        array=ArrayParameters(rows, columns),
        arithmetic=ArithmeticParameters(input_zero_point=form),
        requantizer=RequantizerParameters(lanes),
        buffers=BufferParameters(activations, weights=1 << 12, channels=96, descriptors=8, accumulators=4),
        depthwise=DepthwiseParameters(*window, line),
    )


def random_accelerator(choose: random.Random) -> Accelerator:
    rows, columns = choose.choice(SIZES)
    return accelerator_of(
        rows,
        columns,
        choose.choice([n for n in range(1, columns + 1) if columns % n == 0]),
        choose.choice(WINDOWS),
        choose.choice([9, 12, 16]),
        choose.choice(list(InputZeroPoint)),
        choose.choice([1024, 1300]),
    )


def depthwise(
    shape: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    *,
    seed: int = 0,
    zeros: tuple[int, int] = (5, -7),
    clamp: tuple[int, int] = (-128, 127),
    grouped: bool = False,
    scale: float = 0.3,
    extreme: bool = False,
) -> Network:
    """A depthwise convolution alone, or the same as a convolution of groups where ``grouped``.

    ``zeros`` are the zero-points of input and output; ``extreme`` weights are the lowest.
    """
    rng = np.random.default_rng(seed)
    channels = shape[2]
    weights = rng.integers(-127, 128, (*kernel, channels)).astype(np.int8)
    if extreme:
        weights = np.full((*kernel, channels), -128, np.int8)
    scales = rng.uniform(0.001, 0.02, channels).astype(np.float32)
    common = {
        "name": "depthwise",
        "inputs": ("x",),
        "output": "y",
        "bias": rng.integers(-3000, 3000, channels).astype(np.int32),
        "stride": stride,
        "dilation": (1, 1),
        "padding": padding,
        "clamp": clamp,
    }
    layer: Conv2D | DepthwiseConv2D
    if grouped:
        per_channel = Quantization(INT8, scales, np.zeros(channels, np.int32), 0)
        by_channel = np.ascontiguousarray(np.moveaxis(weights, 2, 0)[..., np.newaxis])
        layer = Conv2D(weights=by_channel, weight_quantization=per_channel, groups=channels, **common)
    else:
        per_channel = Quantization(INT8, scales, np.zeros(channels, np.int32), 2)
        layer = DepthwiseConv2D(weights=weights, weight_quantization=per_channel, **common)
    size = image_output_size((shape[0], shape[1]), kernel, stride, (1, 1), padding)
    tensors = {
        "x": Tensor("x", shape, quantization(0.05, zeros[0])),
        "y": Tensor("y", (*size, channels), quantization(scale, zeros[1])),
    }
    return Network("depthwise", tensors, (layer,), "x", "y")


def random_layer(choose: random.Random, accelerator: Accelerator) -> Network:
    """A layer that the engine takes: kernels up to its window, any stride, paddings, channels that fill no block."""
    p = accelerator.depthwise
    assert p is not None
    while True:
        height, width = choose.randint(1, 9), choose.choice([1, 1, 2, 3, *range(4, p.line + 1)])
        channels = choose.randint(1, 3 * accelerator.depthwise_vector)
        kernel = choose.randint(1, p.rows), choose.randint(1, p.columns)
        stride = choose.choice([1, 1, 2, 3]), choose.choice([1, 1, 2, 3])
        left = choose.randint(0, kernel[1] - 1)
        padding = (
            choose.randint(0, kernel[0] - 1),
            choose.randint(0, kernel[0] - 1),
            left,
            choose.randint(0, kernel[1] - 1 - left),
        )
        size = image_output_size((height, width), kernel, stride, (1, 1), padding)
        elements = (height * width + max(size[0], 0) * max(size[1], 0)) * channels
        if min(size) >= 1 and elements <= 600:
            break
    zeros = tuple(choose.choice([-128, 127, choose.randint(-128, 127)]) for _ in range(2))
    return depthwise(
        (height, width, channels),
        kernel,
        stride,
        padding,
        seed=choose.randrange(1 << 32),
        zeros=(zeros[0], zeros[1]),
        clamp=choose.choice([(-128, 127), (zeros[1], 127)]),
        grouped=choose.random() < 0.2,
        scale=choose.choice([0.3, 0.3, 0.0002]),
        extreme=choose.random() < 0.2,
    )
