"""Weights with zero-points, and of more than 8 bits, without a chip."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwq.emulate import Emulator
from hwq.errors import ConfigError, ModelError
from hwq.graph.checks import check_network
from hwq.graph.files import load_network, save_network
from hwq.graph.inputs import random_samples
from hwq.graph.layers import WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.requantize import Contract
from tests.support.operands import asymmetric
from tests.support.random_networks import random_network
from tests.support.scalar_layers import scalar_outputs


@pytest.mark.parametrize("width", [8, 16])
@pytest.mark.parametrize("seed", range(8))
def test_values_are_weights_less_zero_points(seed: int, width: int) -> None:
    network = asymmetric(random_network(seed), seed, width)
    trace = Emulator(network).trace(random_samples(network, 1, seed))
    for layer in network.layers:
        if isinstance(layer, WeightedLayer):
            codes, _ = scalar_outputs(
                network,
                layer,
                trace[layer.inputs[0]][0],
                None,
                True,
                psum_bits=None,
                accumulator_bits=48,
                overflow="wrap",
                granularity="pass",
                bias="after",
            )
            assert trace[layer.output][0].reshape(-1).tolist() == codes, layer.name


@pytest.mark.parametrize("contract", [Contract.F64AWAY, Contract.FP32HE])
def test_contracts_of_real_numbers_are_refused(contract: Contract) -> None:
    # F64AWAY scales dense layers alone so.
    with pytest.raises(ConfigError, match=rf"^layer layer\d: contract {contract.value} is computed with 8 bits only"):
        Emulator(asymmetric(random_network(0), 0), contract)


def test_saved_and_loaded(tmp_path: Path) -> None:
    network = asymmetric(random_network(1), 1, 16)
    save_network(network, tmp_path / "wide.hwq")
    again = load_network(tmp_path / "wide.hwq")
    x = random_samples(network, 2, 0)
    assert np.array_equal(Emulator(again).run(x), Emulator(network).run(x))
    assert {layer.weights.dtype for layer in again.layers if isinstance(layer, WeightedLayer)} == {np.dtype(np.int16)}


def test_values_beyond_16_bits_are_refused() -> None:
    network = asymmetric(random_network(1), 1, 16)
    layer = next(layer for layer in network.layers if isinstance(layer, WeightedLayer))
    far = replace(layer.weight_quantization, zero_point=np.full_like(layer.weight_quantization.zero_point, 32767))
    layers = tuple(replace(layer, weight_quantization=far) if other is layer else other for other in network.layers)
    with pytest.raises(ModelError, match=r"weights less zero-points are from -\d+ to -\d+; supported are 16 bits"):
        check_network(Network("far", network.tensors, layers, network.input, network.output))
