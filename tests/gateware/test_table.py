"""The table engine in the whole accelerator: every code, the cycle it is written in, and the layer's cycle count."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.table import TableParameters
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, BufferParameters, RequantizerParameters
from hwq.emulate import Emulator
from hwq.graph.layers import Activation, ActivationKind
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from hwq.schedule.engines.table import TablePlan, plan_table
from tests.support.convolutions import quantization
from tests.support.planned import check_plans


def activation(kind: ActivationKind, shape: tuple[int, ...], scale: float = 0.05, zero_point: int = -20) -> Network:
    fixed = {ActivationKind.LOGISTIC: quantization(1 / 256, -128), ActivationKind.TANH: quantization(1 / 128, 0)}
    layer = Activation("act", ("x",), "y", kind, alpha=0.1 if kind is ActivationKind.LEAKY_RELU else 0.0)
    target = fixed.get(kind, quantization(0.04, 11))
    tensors = {"x": Tensor("x", shape, quantization(scale, zero_point)), "y": Tensor("y", shape, target)}
    return Network("activation", tensors, (layer,), "x", "y")


def accelerator(choose: random.Random) -> Accelerator:
    rows, columns = choose.choice([(1, 1), (2, 4), (4, 6), (3, 5), (8, 8)])
    return Accelerator(
        ArrayParameters(rows, columns),
        requantizer=RequantizerParameters(choose.choice([n for n in range(1, columns + 1) if columns % n == 0])),
        buffers=BufferParameters(activations=1500, weights=4096, channels=64, descriptors=8, accumulators=4),
        table=TableParameters(),
    )


def check(kind: ActivationKind, seed: int, monkeypatch: pytest.MonkeyPatch, elements: int | None = None) -> None:
    choose, rng = random.Random(seed), np.random.default_rng(seed)
    size = elements or choose.randint(1, 400)
    zero_point = choose.choice([-128, 127, choose.randint(-128, 127)])
    network = activation(kind, (size,), choose.uniform(0.01, 0.2), zero_point)
    x = rng.integers(-128, 128, (1, size)).astype(np.int8)
    # Every code of the table is met.
    x[0, : min(size, 256)] = np.arange(-128, 128, dtype=np.int8)[: min(size, 256)]
    plans = plan_table(network, network.layers[0], accelerator(choose))
    assert not isinstance(plans, str)
    check_plans(plans, [x[0]], Emulator(network).run(x)[0], choose, monkeypatch)


@pytest.mark.parametrize("kind", ActivationKind)
def test_every_code_of_every_kind(kind: ActivationKind, monkeypatch: pytest.MonkeyPatch) -> None:
    check(kind, list(ActivationKind).index(kind), monkeypatch, 300)


@pytest.mark.parametrize("seed", range(8))
def test_sizes_that_do_not_divide(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check(random.Random(seed).choice(list(ActivationKind)), seed, monkeypatch, seed + 1)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(8, 208))
def test_many_activations(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check(random.Random(seed).choice(list(ActivationKind)), seed, monkeypatch)


def test_what_the_engine_does_not_take() -> None:
    network = activation(ActivationKind.TANH, (5,))
    narrow = replace(accelerator(random.Random(0)), arithmetic=ArithmeticParameters(weight_bits=4))
    (plan,) = plan_table(network, network.layers[0], narrow)
    assert isinstance(plan, TablePlan)
    (fault,) = plan.faults()
    assert "raise arithmetic.weight_bits to 8" in fault


def test_the_worked_example_of_the_page() -> None:
    network = activation(ActivationKind.TANH, (100,))
    eight = Accelerator(ArrayParameters(8, 8), requantizer=RequantizerParameters(4), table=TableParameters())
    (plan,) = plan_table(network, network.layers[0], eight)
    assert isinstance(plan, TablePlan)
    assert plan.groups == 25
    assert plan.cycles().total == plan.output_cycle(99) == 307
    assert plan.output_cycle(0) == 307 - 24
