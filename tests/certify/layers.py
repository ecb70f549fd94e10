"""Layers small enough for all their inputs to be tried, and a model of their sums that shares nothing with hwq."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

import numpy as np

from hwq.certify.terms import Terms
from hwq.graph.layers import Conv2D, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.accumulation import Accumulation, BiasPlace, Granularity, SumOverflow
from hwq.numeric.formats import IntFormat
from hwq.numeric.rounding import Rounding
from hwq.schedule.order import OrderedSum

Sums = list[tuple[str, int, int]]


def tiny_terms(seed: int, overflow: SumOverflow | None = None) -> Terms:
    """A convolution of 2-bit codes along a row of at most four, with two channels, its order and widths random."""
    choose = random.Random(seed)
    kernel = choose.randint(2, 4)
    width = choose.randint(max(1, kernel - 2), 4)
    before, after = choose.choice([(0, 0), (1, 0), (1, 1), (2, 1)])
    before += max(0, kernel - width - before - after)
    codes = IntFormat(2)
    outputs = before + width + after - kernel + 1
    zero = choose.randint(-2, 1)
    source = Quantization(codes, np.float32([0.5]), np.int32([zero]))
    target = Quantization(IntFormat(8), np.float32([0.5]), np.int32([0]))
    layer = Conv2D(
        name="tiny",
        inputs=("x",),
        output="y",
        weights=np.array([choose.randint(-9, 9) for _ in range(2 * kernel)], np.int8).reshape(2, 1, kernel, 1),
        weight_quantization=Quantization(IntFormat(8), np.float32([0.01]), np.int32([0])),
        bias=np.array([choose.randint(-20, 20) for _ in range(2)], np.int32),
        stride=(1, 1),
        dilation=(1, 1),
        padding=(0, 0, before, after),
        clamp=(-128, 127),
    )
    network = Network(
        "tiny", {"x": Tensor("x", (1, width, 1), source), "y": Tensor("y", (1, outputs, 2), target)}, (layer,), "x", "y"
    )
    granularity = choose.choice(list(Granularity))
    accumulation = Accumulation(
        psum_bits=choose.choice([None, choose.randint(3, 6)]) if granularity is Granularity.PASS else None,
        accumulator_bits=choose.randint(3, 7),
        overflow=overflow or choose.choice(list(SumOverflow)),
        granularity=granularity,
        truncate=choose.choice([0, 0, 1, 2]),
        truncate_rounding=choose.choice(list(Rounding)),
        bias=choose.choice(list(BiasPlace)),
    )
    first = choose.randint(1, kernel)
    passes = (first, kernel - first) if first < kernel else (kernel,)
    return Terms(network, layer, OrderedSum(accumulation, passes, choose.random() < 0.5))


def every_input(terms: Terms) -> Iterator[np.ndarray]:
    """All inputs of a tiny layer."""
    codes = terms.source.quantization.format
    for values in product(range(codes.min, codes.max + 1), repeat=terms.source.elements):
        yield np.array(values).reshape(terms.source.shape)


def products_of(layer: WeightedLayer, terms: Terms, codes: np.ndarray) -> Iterator[tuple[int, list[int]]]:
    """Of each output of a tiny layer its channel and its products as they are added."""
    assert isinstance(layer, Conv2D)
    _, _, before, after = layer.padding
    zero = int(terms.source.quantization.zero_point[0])
    row = [zero] * before + codes.reshape(-1).tolist() + [zero] * after
    kernel = layer.weights.shape[2]
    for place in range(len(row) - kernel + 1):
        for channel, weights in enumerate(layer.weights.reshape(len(layer.weights), -1).tolist()):
            operands = [code - zero * terms.how.subtracted for code in row[place : place + kernel]]
            exact = [w * x for w, x in zip(weights, operands, strict=True)]
            yield channel, terms.how.accumulation.product(exact).tolist()


def partial_sums(products: list[int], passes: tuple[int, ...], every: bool, start: int) -> Sums:
    """(kind, products up to it, value) of every sum that is fitted, if none has to be."""
    found: Sums = []
    total, done = start, 0
    for length in passes:
        if every:
            for term in products[done : done + length]:
                done += 1
                total += term
                found.append(("accumulator", done, total))
            continue
        psum = sum(products[done : done + length])
        done += length
        total += psum
        found += [("psum", done, psum), ("accumulator", done, total)]
    return found


def start_of(layer: WeightedLayer, terms: Terms, channel: int) -> int:
    """What the accumulator of a channel would begin with, were it wide enough."""
    spec = terms.how.accumulation
    if spec.bias is BiasPlace.AFTER:
        return 0
    zero = 0 if terms.how.subtracted else int(terms.source.quantization.zero_point[0])
    bias = int(layer.bias[channel]) - zero * int(layer.channel_rows[channel].astype(int).sum())
    return int(spec.product(bias))
