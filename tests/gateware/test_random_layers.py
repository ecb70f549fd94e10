"""The whole accelerator on random layers: every output, the cycle it is written in, and the layer's cycle count."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Space
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    RequantizerParameters,
)
from hwq.graph.layers import Dense
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from hwq.schedule import images
from hwq.schedule.cycles import jobs
from hwq.schedule.program import Program, lower
from hwq.schedule.runs import Run
from tests.support.convolutions import quantization, random_convolution
from tests.support.on_chip import OnChip
from tests.support.scalar import scalar_layer

SIZES = [(1, 1), (1, 4), (4, 1), (2, 2), (3, 5), (4, 4), (4, 6), (5, 3), (8, 4)]


def random_accelerator(choose: random.Random) -> Accelerator:
    rows, columns = choose.choice(SIZES)
    return Accelerator(
        array=ArrayParameters(rows, columns, product_register=choose.random() < 0.5),
        arithmetic=ArithmeticParameters(input_zero_point=choose.choice(list(InputZeroPoint))),
        requantizer=RequantizerParameters(choose.choice([n for n in range(1, columns + 1) if columns % n == 0])),
        buffers=BufferParameters(
            activations=choose.choice([2048, 2500]),
            weights=1 << 14,
            channels=64,
            descriptors=8,
            accumulators=choose.choice([2, 4, 16, 64]),
        ),
    )


def random_dense(seed: int) -> Network:
    rng = np.random.default_rng(seed)
    count, outputs = int(rng.integers(1, 70)), int(rng.integers(1, 20))
    layer = Dense(
        name="dense",
        inputs=("x",),
        output="y",
        weights=rng.integers(-127, 128, (outputs, count)).astype(np.int8),
        weight_quantization=quantization(0.01, 0),
        bias=rng.integers(-3000, 3000, outputs).astype(np.int32),
        clamp=(-128, 127),
    )
    tensors = {
        "x": Tensor("x", (count,), quantization(0.05, int(rng.integers(-128, 128)))),
        "y": Tensor("y", (outputs,), quantization(0.1, int(rng.integers(-128, 128)))),
    }
    return Network("dense", tensors, (layer,), "x", "y")


def run(program: Program, layer: Run, codes: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> OnChip:
    a = program.accelerator
    memories = {
        Space.ACTIVATIONS: [0] * (layer.inputs[0].base // a.word) + images.activation_words(a, codes),
        Space.WEIGHTS: images.weight_words(program),
        Space.RECORDS: images.record_words(program),
        Space.DESCRIPTORS: images.descriptor_words(layer),
    }
    read = (layer.output.base // a.word, -(-layer.output.elements // a.word))
    return OnChip(a, memories, layer.predicted_cycles, read, monkeypatch)


def check(seed: int, monkeypatch: pytest.MonkeyPatch) -> Run:
    choose = random.Random(seed)
    hardware = random_accelerator(choose)
    network = random_dense(seed) if choose.random() < 0.2 else random_convolution(seed)
    layer = network.layers[0]
    rng = np.random.default_rng(seed)
    codes = rng.integers(-128, 128, network.tensors["x"].shape).astype(np.int8)
    program = lower(network, [layer], hardware)
    lowered = program.layers[0]
    chip = run(program, lowered, codes, monkeypatch)
    outputs = range(lowered.output.elements)
    assert chip.elements[: len(outputs)] == scalar_layer(network, layer, codes)
    assert chip.cycles == lowered.predicted_cycles
    assert chip.written == {lowered.output.base + element: lowered.output_cycle(element) for element in outputs}
    return lowered


@pytest.mark.parametrize("seed", range(25))
def test_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check(seed, monkeypatch)


@pytest.mark.parametrize("seed", [59, 63, 68])
def test_layers_that_wait_for_the_drain(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = check(seed, monkeypatch)
    pairs = [pair for plan in layer.steps[0].plans for pair in pairwise(jobs(plan.cut))]
    assert any(later.drain == before.drain_end + 2 for before, later in pairs)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(25, 325))
def test_many_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check(seed, monkeypatch)
