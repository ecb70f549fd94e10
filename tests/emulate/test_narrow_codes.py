"""Codes of fewer than 8 bits: the answers of 8-bit codes of the same scales, clamped to the narrower format."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hwq.emulate import Emulator
from hwq.errors import DataError
from hwq.graph.inputs import random_samples
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization
from hwq.numeric.formats import INT8, IntFormat
from hwq.numeric.requantize import Contract
from tests.support.operands import with_codes
from tests.support.random_networks import random_network


def in_bytes(network: Network) -> Network:
    """The same network with every tensor called int8; scales, zero-points and clamps stay as they are."""
    tensors = {
        name: replace(
            tensor, quantization=Quantization(INT8, tensor.quantization.scale, tensor.quantization.zero_point)
        )
        for name, tensor in network.tensors.items()
    }
    return Network(network.name, tensors, network.layers, network.input, network.output)


@pytest.mark.parametrize("contract", [Contract.DOUBLE, Contract.UP2, Contract.F64AWAY, Contract.FP32HE])
@pytest.mark.parametrize("seed", range(12))
def test_narrow_codes_are_clamped_bytes(seed: int, contract: Contract) -> None:
    network = with_codes(random_network(seed), (4, 6, 2, 3))
    narrow, wide = Emulator(network, contract), Emulator(in_bytes(network), contract)
    values = narrow.trace(random_samples(network, 3, seed))
    for layer in network.layers:
        inputs = [values[name] for name in layer.inputs]
        codes: IntFormat = network.tensors[layer.output].quantization.format
        expected = np.clip(wide.run_layer(layer.name, *inputs), codes.min, codes.max)
        assert np.array_equal(values[layer.output], expected), layer
        assert np.array_equal(narrow.run_layer(layer.name, *inputs), expected)


def test_numbers_beyond_a_narrow_format_are_no_codes() -> None:
    network = with_codes(random_network(0), (4,))
    x = random_samples(network, 1, 0)
    x.reshape(-1)[0] = 8
    with pytest.raises(DataError, match=r"has codes from -?\d+ to 8; int4 has -8 to 7$"):
        Emulator(network).run(x)
