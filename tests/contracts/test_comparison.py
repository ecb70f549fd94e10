"""Each runtime's contract is found among all, layer by layer, and a planted difference where it was planted."""

from __future__ import annotations

import numpy as np
import pytest

from hwq.contracts.comparison import compare
from hwq.contracts.recorded import Recorded
from hwq.contracts.runtimes import LiveRuntime
from hwq.emulate import Emulator
from hwq.emulate.contracts import NETWORK_CONTRACTS
from hwq.frontends import load
from hwq.graph.inputs import random_samples
from hwq.numeric.requantize import Contract
from tests.graph.networks import network_of_every_layer
from tests.support.models import OFFICIAL, official_model

#: The contract that each runtime must be found to have.
TRUTH = {
    "tflite-micro": Contract.DOUBLE,
    "litert": Contract.F64AWAY,
    "litert-optimized": Contract.UP2,
    "xnnpack": Contract.FP32HE,
}


@pytest.mark.parametrize("runtime", TRUTH)
@pytest.mark.parametrize("name", OFFICIAL)
def test_the_contract_of_a_runtime_is_found(name: str, runtime: str) -> None:
    path = official_model(name)
    network = load(path)
    program = LiveRuntime(runtime, network, path.read_bytes())
    found = compare(network, program, [random_samples(network, 8, 1)], Contract.DOUBLE)
    assert TRUTH[runtime] in found.exact
    assert found.samples == 8
    for layer in found.layers:
        assert layer.values
        assert TRUTH[runtime] in layer.exact
        assert layer.indifferent == (
            layer.exact == list(NETWORK_CONTRACTS) and layer.kind in ("pool2d", "reshape", "pad")
        )
    first = found.first_difference
    assert (first is None) == (runtime == "tflite-micro")
    if first is not None:
        before = found.layers[: [layer.name for layer in found.layers].index(first.layer)]
        assert all(Contract.DOUBLE in layer.exact for layer in before)
        assert first.program != first.emulated


def test_a_probe_decides_where_the_samples_do_not() -> None:
    """One black image: every contract gives the same, and the probes of the layers still tell them apart."""
    path = official_model("ic")
    network = load(path)
    program = LiveRuntime("xnnpack", network, path.read_bytes())
    x = np.full((1, *network.tensors[network.input].shape), -128, np.int8)
    found = compare(network, program, [x], Contract.SINGLE)
    assert found.exact == [Contract.FP32HE]
    first = found.first_difference
    assert first is not None
    assert first.probe
    layer = next(layer for layer in found.layers if layer.name == first.layer)
    assert layer.asked
    assert layer.probes >= layer.asked
    assert layer.values == network.tensors[layer.name].elements * (1 + layer.asked)


def _recording(contract: Contract = Contract.DOUBLE, count: int = 6):  # type: ignore[no-untyped-def]
    network = network_of_every_layer()
    x = random_samples(network, count, 4)
    return network, x, Emulator(network, contract).trace(x)


@pytest.mark.parametrize("pieces", [[6], [4, 2], [1] * 6])
@pytest.mark.parametrize("contract", NETWORK_CONTRACTS)
def test_recorded_tensors_are_the_contracts_that_made_them(contract: Contract, pieces: list[int]) -> None:
    network, x, tensors = _recording(contract)
    parts = np.split(x, np.cumsum(pieces)[:-1])
    found = compare(network, Recorded("program", network, tensors), parts, contract)
    assert contract in found.exact
    assert found.first_difference is None
    assert [layer.values for layer in found.layers] == [tensors[layer.output].size for layer in network.layers]
    assert all(layer.own_inputs and not layer.probes for layer in found.layers)


@pytest.mark.parametrize("index", range(len(network_of_every_layer().layers)))
def test_one_wrong_value_is_found_in_its_layer(index: int) -> None:
    network, x, tensors = _recording()
    layer = network.layers[index]
    wrong = tensors[layer.output].copy()
    place = (3, *np.unravel_index(wrong[0].size // 2, wrong.shape[1:]))
    wrong[place] += 1 if wrong[place] < 0 else -1
    tensors = {**tensors, layer.output: wrong}
    found = compare(network, Recorded("program", network, tensors), [x[:2], x[2:]], Contract.DOUBLE)
    first = found.first_difference
    assert first is not None
    assert (first.layer, first.sample, first.element) == (layer.name, 3, place[1:])
    assert first.program == int(wrong[place])
    assert first.emulated == int(_recording()[2][layer.output][place])
    assert found.layers[index].wrong[Contract.DOUBLE] == 1
    assert all(not before.wrong[Contract.DOUBLE] for before in found.layers[:index])


@pytest.mark.parametrize("contract", NETWORK_CONTRACTS)
def test_an_output_alone_is_compared_with_each_whole_network(contract: Contract) -> None:
    network, x, tensors = _recording(contract)
    program = Recorded("program", network, {network.output: tensors[network.output]})
    found = compare(network, program, [x], contract)
    *others, last = found.layers
    assert all(not layer.values and not layer.exact for layer in others)
    for candidate in NETWORK_CONTRACTS:
        y = Emulator(network, candidate).run(x)
        assert last.wrong[candidate] == np.count_nonzero(y != tensors[network.output])
    assert not last.own_inputs
