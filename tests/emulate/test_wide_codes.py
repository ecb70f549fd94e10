"""Codes of more than 8 bits."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.emulate import Emulator
from hwq.errors import ModelError
from hwq.graph.inputs import random_samples
from hwq.graph.layers import Concatenation, Pad, Pool2D, Reshape, WeightedLayer
from hwq.numeric.requantize import Contract
from tests.support.operands import with_codes
from tests.support.random_networks import random_network
from tests.support.scalar_layers import scalar_outputs
from tests.support.wide import LAYERS


@pytest.mark.parametrize("widths", [(16,), (12, 8)])
@pytest.mark.parametrize("seed", [19, 28, 34, 37, 39])
def test_wide_networks(seed: int, widths: tuple[int, ...]) -> None:
    """Each layer from its definition, product by product or element by element."""
    network = with_codes(random_network(seed, LAYERS), widths)
    x = random_samples(network, 1, seed)
    trace = Emulator(network).trace(x)
    assert np.array_equal(Emulator(network).run(x), trace[network.output])
    for layer in network.layers:
        inputs, found = [trace[name][0].astype(np.int64) for name in layer.inputs], trace[layer.output][0]
        if isinstance(layer, WeightedLayer):
            sums = {"psum_bits": None, "accumulator_bits": 48, "overflow": "wrap", "granularity": "pass"}
            expected, _ = scalar_outputs(network, layer, inputs[0], None, True, bias="after", **sums)
            assert found.reshape(-1).tolist() == expected, layer.name
        elif isinstance(layer, Pad):
            (top, bottom), (left, right), _ = layer.amounts
            height, width, _ = found.shape
            assert np.array_equal(found[top : height - bottom, left : width - right], inputs[0])
            assert (found == layer.value).sum() >= found.size - inputs[0].size
        elif isinstance(layer, Concatenation):
            assert np.array_equal(found, np.concatenate(inputs, axis=2))
        elif isinstance(layer, Pool2D):
            for y, x_, c in np.ndindex(found.shape):
                before = layer.padding[::2]
                first = [at * step - less for at, step, less in zip((y, x_), layer.stride, before, strict=True)]
                rows, columns = (slice(max(b, 0), b + size) for b, size in zip(first, layer.kernel, strict=True))
                assert found[y, x_, c] == np.clip(inputs[0][rows, columns, c].max(), *layer.clamp)
        else:
            assert isinstance(layer, Reshape)
            assert np.array_equal(found.reshape(-1), inputs[0].reshape(-1))


@pytest.mark.parametrize("contract", [Contract.UP2, Contract.SINGLE])
def test_other_contracts(contract: Contract) -> None:
    network = with_codes(random_network(22, LAYERS), (12,))
    assert Emulator(network, contract).run(random_samples(network, 2, 0)).dtype == np.int16


def test_layers_of_8_bits_refuse_more() -> None:
    with pytest.raises(ModelError, match=r"^layer layer\d: tensor 't\d' is int9; activation takes up to 8 bits$"):
        with_codes(random_network(0), (9,))
