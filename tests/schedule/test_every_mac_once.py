"""Every schedule performs each multiply-accumulate of its layer exactly once, and nothing else.

The walk below is written from the meaning of the descriptor's fields (docs/spec/accelerator.md), as the hardware sees
them: it knows the descriptor, the weight image and the array's shape, and nothing of the layer.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArrayParameters, BufferParameters, RequantizerParameters
from hwq.graph.network import Network
from hwq.schedule.engines.array import ArrayPlan
from hwq.schedule.geometry import Convolution, convolutions
from hwq.schedule.plan import ConvPlan, plan_convolution
from hwq.schedule.plans import Places
from hwq.schedule.program import lower
from tests.support.convolutions import random_convolution, small_network

BASE = 0


def walk(d: dict[str, int], accelerator: Accelerator, image: np.ndarray) -> tuple[Counter, Counter]:
    """(element address, weight, output address) of every product with a real operand and a real weight, counted.

    The second counter holds the (weight, output address) of the products that met padding.
    """
    rows, columns = accelerator.array.rows, accelerator.array.columns
    space = 1 << accelerator.element_address_bits
    products: Counter = Counter()
    padded: Counter = Counter()
    begin = 0
    while begin < d["pixels"]:
        tile = range(begin, min(begin + d["tile_pixels"], d["pixels"]))
        begin = tile.stop
        word = d["weight_base"]
        for block in range(d["blocks"]):
            groups = d["last_groups"] if block == d["blocks"] - 1 else columns // accelerator.lanes
            for ky in range(d["ky_count"]):
                for kx in range(d["kx_count"]):
                    for chunk in range(d["chunk_count"]):
                        left = d["run"] - chunk * rows
                        for pixel in tile:
                            out_row, out_column = divmod(pixel, d["out_width"])
                            x = d["x_start"] + out_column * d["x_step"] + kx * d["kx_step"] + chunk * rows
                            y = d["y_start"] + out_row * d["y_step"] + ky * d["ky_step"]
                            at = d["in_base"] + out_row * d["y_step_elements"] + ky * d["ky_step_elements"] + x
                            for row in range(min(rows, left)):
                                inside = 0 <= x + row < d["in_row"] and 0 <= y < d["in_height"]
                                for column in range(min(columns, groups * accelerator.lanes)):
                                    weight = int(image[word + row][column])
                                    target = d["out_base"] + pixel * d["out_step"] + block * columns + column
                                    if weight and inside:
                                        products[(at + row) % space, weight, target] += 1
                                    elif weight:
                                        padded[weight, target] += 1
                        word += rows
    return products, padded


def layer_products(c: Convolution) -> tuple[Counter, Counter]:
    """The same counters from the layer's definition alone, weights being their own numbers."""
    products: Counter = Counter()
    padded: Counter = Counter()
    height, width = c.input_size
    for out_row in range(c.output_size[0]):
        for out_column in range(c.output_size[1]):
            target = (out_row * c.output_size[1] + out_column) * c.output_elements + c.first_output
            for (channel, ky, kx, ci), weight in np.ndenumerate(c.weights):
                y = out_row * c.stride[0] + ky * c.dilation[0] + c.start[0]
                x = out_column * c.stride[1] + kx * c.dilation[1] + c.start[1]
                if 0 <= y < height and 0 <= x < width:
                    at = (y * width + x) * c.pixel_elements + c.first_channel + ci
                    products[at, int(weight), target + channel] += 1
                else:
                    padded[int(weight), target + channel] += 1
    return products, padded


def numbered(plan: ConvPlan) -> ConvPlan:
    """The plan with every weight replaced by a number of its own."""
    weights = np.arange(1, plan.convolution.weights.size + 1).reshape(plan.convolution.weights.shape)
    return replace(plan, convolution=replace(plan.convolution, weights=weights))


def check(network: Network, accelerator: Accelerator) -> None:
    for layer in network.layers:
        for convolution in convolutions(network, layer):
            plan = numbered(plan_convolution(convolution, accelerator))
            fields = ArrayPlan(plan).descriptor(Places(0, 0, (BASE,), 4096))
            products, padded = walk(fields, accelerator, plan.tiled_weights())
            expected, expected_padded = layer_products(plan.convolution)
            moved = Counter({(at, weight, 4096 + target): n for (at, weight, target), n in expected.items()})
            assert products == moved
            assert set(products.values()) <= {1}
            # A product with padding may be left out (a run that ends in padding), but never done twice.
            assert all(n == 1 and (weight, target - 4096) in expected_padded for (weight, target), n in padded.items())


def random_accelerator(seed: int) -> Accelerator:
    choose = random.Random(seed)
    columns = choose.choice([1, 2, 3, 4, 6, 8])
    return Accelerator(
        ArrayParameters(choose.choice([1, 2, 3, 4, 5, 8]), columns),
        requantizer=RequantizerParameters(choose.choice([n for n in range(1, columns + 1) if columns % n == 0])),
        buffers=BufferParameters(activations=1 << 14, accumulators=choose.choice([4, 7, 64])),
    )


@pytest.mark.parametrize("seed", range(60))
def test_random_convolutions(seed: int) -> None:
    check(random_convolution(seed), random_accelerator(seed))


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(100, 1100))
def test_many_random_convolutions(seed: int) -> None:
    check(random_convolution(seed), random_accelerator(seed))


def test_a_network_with_a_dense_layer() -> None:
    check(small_network(), random_accelerator(3))


def test_the_walk_tells_a_wrong_descriptor() -> None:
    network = small_network()
    accelerator = random_accelerator(3)
    plan = numbered(plan_convolution(convolutions(network, network.layers[0])[0], accelerator))
    expected, _ = layer_products(plan.convolution)
    moved = Counter({(at, weight, 4096 + target): n for (at, weight, target), n in expected.items()})
    fields = ArrayPlan(plan).descriptor(Places(0, 0, (BASE,), 4096))
    for name in (
        "x_step",
        "y_step_elements",
        "ky_step",
        "ky_step_elements",
        "in_row",
        "in_height",
        "x_start",
        "out_step",
    ):
        products, _ = walk({**fields, name: fields[name] + 1}, accelerator, plan.tiled_weights())
        assert products != moved, name


def test_every_weight_lies_in_the_image_once() -> None:
    network = small_network()
    accelerator = random_accelerator(5)
    program = lower(network, network.layers, accelerator)
    for layer in program.layers:
        for plan in (plan.cut for plan in layer.steps[0].plans):
            image = numbered(plan).tiled_weights()
            assert sorted(image[image > 0]) == list(range(1, plan.convolution.weights.size + 1))
