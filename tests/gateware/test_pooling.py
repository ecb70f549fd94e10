"""The pooling engine on random layers: every output, the cycle it is written in, and the cycle counts of all plans."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.emulate.emulator import Emulator
from hwq.graph.network import Network
from hwq.schedule.engines.pooling import plan_pooling
from tests.support.planned import check_plans
from tests.support.pooling import random_accelerator, random_layer


def check(network: Network, accelerator: Accelerator, choose: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = network.layers[0]
    plans = plan_pooling(network, layer, accelerator)
    assert not isinstance(plans, str)
    rng = np.random.default_rng(choose.randrange(1 << 32))
    # Sums reach their ends, and ties of averages occur, with codes at theirs.
    choices = choose.choice([range(-128, 128), (-128, 127), (-128,), (127,), (-1, 0, 1)])
    inputs = [rng.choice(np.array(choices, np.int8), network.tensors[name].shape) for name in layer.inputs]
    expected = Emulator(network).run_layer(layer, *(codes[None] for codes in inputs))[0]
    check_plans(plans, inputs, expected, choose, monkeypatch)


@pytest.mark.parametrize("seed", range(25))
def test_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = random.Random(seed)
    check(random_layer(choose), random_accelerator(choose), choose, monkeypatch)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(25, 325))
def test_many_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = random.Random(seed)
    check(random_layer(choose), random_accelerator(choose), choose, monkeypatch)
