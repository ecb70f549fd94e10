"""Layers for the pooling engine's tests."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.parameters import ArrayParameters, BufferParameters, RequantizerParameters
from hwq.graph.layers import Concatenation, Layer, Mean, Pad, Padding, Pool2D, PoolKind, Requantize
from hwq.graph.network import Network
from hwq.graph.shapes import image_output_size
from hwq.graph.tensors import Tensor
from tests.support.convolutions import quantization

Shape = tuple[int, ...]
SIZES = [(1, 1), (1, 4), (4, 1), (2, 2), (3, 5), (4, 4), (1, 6), (5, 3), (8, 4), (9, 2)]

ELEMENTS = 450
"""Most elements of a random layer's inputs and output together: simulation takes its time."""


def random_accelerator(choose: random.Random) -> Accelerator:
    rows, columns = choose.choice(SIZES)
    return Accelerator(
        array=ArrayParameters(rows, columns, product_register=choose.random() < 0.5),
        requantizer=RequantizerParameters(choose.choice([n for n in range(1, columns + 1) if columns % n == 0])),
        buffers=BufferParameters(
            activations=choose.choice([512, 700]), weights=1 << 10, channels=400, descriptors=8, accumulators=4
        ),
        pooling=PoolingParameters(),
    )


def network_of(
    layer: Layer,
    inputs: Sequence[Shape],
    output: Shape,
    scales: tuple[float, float] = (0.1, 0.1),
    zeros: Shape = (3, 3),
) -> Network:
    """``layer`` alone; ``scales`` and ``zeros`` are of its inputs and of its output."""
    tensors = {
        name: Tensor(name, shape, quantization(scales[0], zeros[0]))
        for name, shape in zip(layer.inputs, inputs, strict=True)
    }
    tensors[layer.output] = Tensor(layer.output, output, quantization(scales[1], zeros[1]))
    return Network("pooling", tensors, (layer,), layer.inputs[0], layer.output)


def pool(
    kind: PoolKind,
    shape: Shape,
    kernel: tuple[int, int],
    stride: tuple[int, int] = (1, 1),
    padding: Padding = (0, 0, 0, 0),
    clamp: tuple[int, int] = (-128, 127),
) -> Network:
    layer = Pool2D("pool", ("x",), "y", kind, kernel, stride, padding, clamp)
    size = image_output_size((shape[0], shape[1]), kernel, stride, (1, 1), padding)
    return network_of(layer, [shape], (*size, shape[2]))


def mean(
    shape: Shape, axes: tuple[int, ...], scales: tuple[float, float] = (0.1, 0.1), zeros: Shape = (3, 3)
) -> Network:
    output = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return network_of(Mean("mean", ("x",), "y", axes), [shape], output, scales, zeros)


def pad(shape: Shape, amounts: tuple[tuple[int, int], ...], value: int) -> Network:
    output = tuple(size + sum(pair) for size, pair in zip(shape, amounts, strict=True))
    return network_of(Pad("pad", ("x",), "y", amounts, value), [shape], output)


def requantize(shape: Shape, scales: tuple[float, float], zeros: Shape) -> Network:
    return network_of(Requantize("requantize", ("x",), "y"), [shape], shape, scales, zeros)


def join(shapes: Sequence[Shape], axis: int) -> Network:
    output = list(shapes[0])
    output[axis] = sum(shape[axis] for shape in shapes)
    names = tuple(f"x{number}" for number in range(len(shapes)))
    return network_of(Concatenation("join", names, "y", axis), shapes, tuple(output))


def random_pool(choose: random.Random) -> Network:
    """Any window, stride and padding that leaves every window something of the input."""
    while True:
        shape = choose.randint(1, 9), choose.randint(1, 9), choose.choice([1, 2, 3, 5, 8, 9, 13, 17])
        kernel = choose.randint(1, 5), choose.randint(1, 5)
        stride = choose.randint(1, 3), choose.randint(1, 3)
        padding = (0, 0, 0, 0)
        if choose.random() < 0.7:
            padding = tuple(choose.randint(0, k - 1) for k in (kernel[0], kernel[0], kernel[1], kernel[1]))
        size = [shape[axis] + padding[2 * axis] + padding[2 * axis + 1] - kernel[axis] for axis in (0, 1)]
        if min(size) >= 0:
            clamp = choose.choice([(-128, 127), (-128, 127), (3, 127), (-20, 40)])
            return pool(choose.choice(list(PoolKind)), shape, kernel, stride, padding, clamp)


def random_zeros(choose: random.Random) -> Shape:
    return choose.choice([-128, 127, choose.randint(-128, 127)]), choose.choice([-128, 127, choose.randint(-128, 127)])


def random_layer(choose: random.Random) -> Network:
    """Any layer that the engine takes, of no more than ``ELEMENTS``."""
    while True:
        network = _any_layer(choose)
        if sum(tensor.elements for tensor in network.tensors.values()) <= ELEMENTS:
            return network


def _any_layer(choose: random.Random) -> Network:
    kind = choose.choice(["pool", "pool", "pool", "mean", "pad", "requantize", "join"])
    shape = tuple(choose.choice([1, 2, 3, 4, 5, 7]) for _ in range(3))
    if kind == "mean":
        axes = choose.choice([(0, 1), (0, 1), (1, 0), (0,), (1,), (2,), (1, 2), (0, 1, 2)])
        return mean(shape, axes, (0.1, choose.choice([0.1, 0.03, 0.004, 0.7])), random_zeros(choose))
    if kind == "pad":
        pairs = [(choose.randint(0, 3), choose.randint(0, 3)) for _ in range(3)]
        axes = choose.choice([(0, 1), (0, 1), (0,), (1,), (2,), ()])
        amounts = tuple(pair if axis in axes else (0, 0) for axis, pair in enumerate(pairs))
        return pad(shape, amounts, choose.choice([-128, 127, 5]))
    if kind == "requantize":
        return requantize(shape, (0.1, choose.choice([0.1, 0.03, 0.004, 0.7])), random_zeros(choose))
    if kind == "join":
        axis = choose.randint(0, 2)
        sizes = [choose.choice([1, 2, 5, 9]) for _ in range(choose.randint(1, 3))]
        return join([(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes], axis)
    return random_pool(choose)
