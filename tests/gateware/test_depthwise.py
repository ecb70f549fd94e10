"""The depthwise engine on random layers: every output, the cycle it is written in, and the layer's cycle count."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.emulate.emulator import Emulator
from hwq.graph.network import Network
from hwq.schedule.engines.depthwise import plan_depthwise
from tests.support.depthwise import random_accelerator, random_layer
from tests.support.planned import check_plans


def check(network: Network, accelerator: Accelerator, choose: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = network.layers[0]
    plans = plan_depthwise(network, layer, accelerator)
    assert not isinstance(plans, str), plans
    rng = np.random.default_rng(choose.randrange(1 << 32))
    choices = choose.choice([range(-128, 128), range(-128, 128), (-128, 127), (-128,), (127,)])
    codes = rng.choice(np.array(choices, np.int8), network.tensors["x"].shape)
    expected = Emulator(network).run_layer(layer, codes[None])[0]
    check_plans(plans, [codes], expected, choose, monkeypatch)


@pytest.mark.parametrize("seed", range(25))
def test_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = random.Random(seed)
    accelerator = random_accelerator(choose)
    check(random_layer(choose, accelerator), accelerator, choose, monkeypatch)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(25, 325))
def test_many_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = random.Random(seed)
    accelerator = random_accelerator(choose)
    check(random_layer(choose, accelerator), accelerator, choose, monkeypatch)
