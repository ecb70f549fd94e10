"""Sums for the elementwise engine's tests."""

from __future__ import annotations

import random

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.elementwise import ElementwiseParameters
from hwq.arch.parameters import ArrayParameters, BufferParameters, RequantizerParameters
from hwq.graph.layers import Add
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from tests.support.convolutions import quantization

SIZES = [(1, 1), (1, 4), (4, 1), (2, 2), (3, 5), (4, 4), (1, 6), (5, 3), (8, 4), (9, 2), (3, 3)]


def random_accelerator(choose: random.Random) -> Accelerator:
    rows, columns = choose.choice(SIZES)
    return Accelerator(
        array=ArrayParameters(rows, columns, product_register=choose.random() < 0.5),
        requantizer=RequantizerParameters(choose.choice([n for n in range(1, columns + 1) if columns % n == 0])),
        buffers=BufferParameters(
            activations=choose.choice([200, 256]), weights=64, channels=64, descriptors=4, accumulators=4
        ),
        elementwise=ElementwiseParameters(),
    )


def sum_of(
    shape: tuple[int, ...],
    scales: tuple[float, float, float],
    zeros: tuple[int, int, int],
    clamp: tuple[int, int] = (-128, 127),
    inputs: tuple[str, str] = ("a", "b"),
) -> Network:
    """A sum alone; ``scales`` and ``zeros`` are of its operands and of its output."""
    tensors = {
        name: Tensor(name, shape, quantization(scale, zero))
        for name, scale, zero in zip((*inputs, "y"), scales, zeros, strict=True)
    }
    return Network("sum", tensors, (Add("add", inputs, "y", clamp),), inputs[0], "y")


def random_zero(choose: random.Random) -> int:
    return choose.choice([-128, 127, choose.randint(-128, 127)])


def random_scale(choose: random.Random) -> float:
    """Of any mantissa; mostly near 1, so that neither operand vanishes beside the other."""
    return choose.uniform(1, 2) * 2.0 ** choose.choice([0, 0, -1, -2, 1, choose.randint(-12, 4)])


def random_sum(choose: random.Random, largest: int = 55) -> Network:
    """Any sum of up to ``largest`` elements; sometimes of a tensor and itself."""
    while True:
        shape = tuple(choose.choice([1, 1, 2, 3, 4, 5, 7, 11]) for _ in range(choose.randint(1, 3)))
        count = 1
        for size in shape:
            count *= size
        if count <= largest:
            break
    zeros = random_zero(choose), random_zero(choose), random_zero(choose)
    a, b = random_scale(choose), choose.choice([1.0, random_scale(choose)])
    output = max(a, b) * choose.uniform(0.2, 3)
    clamp = choose.choice([(-128, 127), (-128, 127), (zeros[2], 127), (-20, 40)])
    if choose.random() < 0.15:
        return sum_of(shape, (a, a, output), (zeros[0], zeros[0], zeros[2]), clamp, ("a", "a"))
    return sum_of(shape, (a, b, output), zeros, clamp)
