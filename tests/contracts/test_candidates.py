"""Contracts that are said to be the same arithmetic in a layer are, and every kind of layer is known."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.contracts.candidates import _CONCERNS, Candidates, concerns
from hwq.contracts.probes import is_exhaustive, probes
from hwq.emulate import Emulator
from hwq.emulate.contracts import NETWORK_CONTRACTS
from hwq.graph.layers import KINDS
from hwq.numeric.requantize import Contract
from tests.graph.networks import network_of_every_layer

NETWORK = network_of_every_layer()


def test_every_kind_of_layer_is_known() -> None:
    assert set(_CONCERNS) == set(KINDS)


@pytest.mark.parametrize("layer", NETWORK.layers, ids=lambda layer: layer.name)
def test_contracts_of_one_group_compute_the_same(layer) -> None:  # type: ignore[no-untyped-def]
    inputs = next(iter(probes(NETWORK, layer, 1)))
    for group in concerns(layer):
        expected = Emulator(NETWORK, group[0]).run_layer(layer, *inputs)
        for contract in group[1:]:
            np.testing.assert_array_equal(Emulator(NETWORK, contract).run_layer(layer, *inputs), expected)


def test_groups_are_those_of_the_operators_page() -> None:
    groups = {layer.op: concerns(layer) for layer in NETWORK.layers}
    double, single, up2, f64away, fp32he = (
        NETWORK_CONTRACTS[0],
        Contract.SINGLE,
        Contract.UP2,
        Contract.F64AWAY,
        Contract.FP32HE,
    )
    as_sets = {op: {frozenset(group) for group in found} for op, found in groups.items()}
    assert as_sets["dense"] == {frozenset({contract}) for contract in NETWORK_CONTRACTS}
    conv = {frozenset({double, f64away}), frozenset({single}), frozenset({up2}), frozenset({fp32he})}
    assert as_sets["conv2d"] == as_sets["depthwiseconv2d"] == as_sets["mean"] == conv
    assert as_sets["add"] == {frozenset({double, f64away, up2}), frozenset({single}), frozenset({fp32he})}
    assert as_sets["softmax"] == {frozenset({double, f64away, single}), frozenset({up2, fp32he})}
    for op in ("pool2d", "pad", "concatenation", "reshape"):
        assert as_sets[op] == {frozenset(NETWORK_CONTRACTS)}


def test_what_is_the_same_is_computed_once() -> None:
    layer = next(layer for layer in NETWORK.layers if layer.op == "add")
    inputs = next(iter(probes(NETWORK, layer, 1)))
    outputs = Candidates(NETWORK).outputs(layer, dict.fromkeys(NETWORK_CONTRACTS, inputs))
    assert outputs[Contract.DOUBLE] is outputs[Contract.F64AWAY]
    assert len({id(y) for y in outputs.values()}) == 3


def test_exhaustive_probes_hold_every_code_and_every_pair() -> None:
    for layer in NETWORK.layers:
        if not is_exhaustive(NETWORK, layer):
            continue
        batches = list(probes(NETWORK, layer, 1))
        columns = [np.concatenate([batch[i].reshape(-1) for batch in batches]) for i in range(len(layer.inputs))]
        assert len(set(zip(*(column.tolist() for column in columns), strict=True))) == 256 ** len(columns)
    assert sum(is_exhaustive(NETWORK, layer) for layer in NETWORK.layers) >= 3


def test_random_probes_are_the_same_for_a_seed_and_others_for_another() -> None:
    layer = next(layer for layer in NETWORK.layers if layer.op == "conv2d")
    first, again, other = (next(iter(probes(NETWORK, layer, seed)))[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    total = sum(len(batch[0]) for batch in probes(NETWORK, layer, 1))
    assert 1000 < total <= 1 << 16
