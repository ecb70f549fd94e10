"""Each runtime's contract is found among all, layer by layer, and a planted difference where it was planted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from hwq.contracts.candidates import Candidates
from hwq.contracts.comparison import LayerComparison, _try, compare
from hwq.contracts.probes import is_exhaustive, probes
from hwq.contracts.recorded import Recorded
from hwq.contracts.runtimes import LiveRuntime
from hwq.emulate import Emulator
from hwq.emulate.contracts import NETWORK_CONTRACTS
from hwq.errors import ToolError
from hwq.frontends import load
from hwq.frontends.tflite import import_model
from hwq.graph.inputs import random_samples
from hwq.graph.layers import Layer
from hwq.graph.network import Network
from hwq.numeric.requantize import Contract
from tests.graph.networks import network_of_every_layer
from tests.support.models import OFFICIAL, official_model
from tests.support.random_models import OPERATORS

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
    # The autoencoder has no accumulator whose half single and f64away take apart: there they are one function.
    same = [Contract.SINGLE] if (name, runtime) == ("ad", "litert") else []
    assert found.exact == [*same, TRUTH[runtime]]
    assert found.samples == 8
    for layer in found.layers:
        assert layer.values
        assert TRUTH[runtime] in layer.exact
        assert layer.proven == bool(layer.ties)
        assert layer.indifferent == (
            layer.exact == list(NETWORK_CONTRACTS) and layer.kind in ("pool2d", "reshape", "pad")
        )
    first = found.first_difference
    assert (first is None) == (runtime == "tflite-micro")
    if first is not None:
        before = found.layers[: [layer.name for layer in found.layers].index(first.layer)]
        assert all(Contract.DOUBLE in layer.exact for layer in before)
        assert first.program != first.emulated


@pytest.mark.parametrize("runtime", TRUTH)
@pytest.mark.parametrize("kind", OPERATORS)
def test_the_contract_is_exact_on_the_probes_of_every_operator(kind: str, runtime: str) -> None:
    """Also on those that were aimed, at whatever shapes, strides and paddings the operator has."""
    for seed in range(2):
        data = OPERATORS[kind](np.random.default_rng(seed))
        network = import_model(data, "alone")
        try:
            program = LiveRuntime(runtime, network, data)
        except ToolError as error:
            assert runtime == "xnnpack"
            assert "takes none of the layers" in str(error)
            continue
        found = compare(network, program, [random_samples(network, 1, seed)], TRUTH[runtime], seed)
        assert found.first_difference is None
        assert TRUTH[runtime] in found.exact


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


class Emulated:
    """A program that can be asked, and follows one contract."""

    version: str | None = "1"

    def __init__(self, network: Network, contract: Contract) -> None:
        self.name = contract.value
        self.asked: list[str] = []
        self._emulator = Emulator(network, contract)

    def tensors(self, x: np.ndarray) -> dict[str, np.ndarray]:
        return self._emulator.trace(x)

    def layer(self, layer: Layer) -> Callable[..., np.ndarray]:
        self.asked.append(layer.name)
        return partial(self._emulator.run_layer, layer)


@pytest.mark.parametrize("contract", NETWORK_CONTRACTS)
def test_where_every_input_can_be_tried_exact_is_exact_on_all_of_them(contract: Contract) -> None:
    """From one gray image, on which nearly everything ties, so that the probes have to decide."""
    network = network_of_every_layer()
    source = network.tensors[network.input]
    x = np.full((1, *source.shape), source.quantization.zero_point[0], source.quantization.format.dtype)
    program = Emulated(network, contract)
    found = compare(network, program, [x], contract)
    assert found.first_difference is None
    emulators = {candidate: Emulator(network, candidate) for candidate in NETWORK_CONTRACTS}
    tried = 0
    for layer, result in zip(network.layers, found.layers, strict=True):
        assert contract in result.exact
        if not is_exhaustive(network, layer):
            continue
        batches = list(probes(network, layer, 0))
        truth = [emulators[contract].run_layer(layer, *inputs) for inputs in batches]
        for candidate, emulator in emulators.items():
            equal = all(
                np.array_equal(emulator.run_layer(layer, *inputs), y) for inputs, y in zip(batches, truth, strict=True)
            )
            assert (candidate in result.exact) == equal
        assert result.proven == bool(result.ties)
        tried += 1
    assert tried >= 3


def test_the_program_is_asked_until_no_two_exact_contracts_differ() -> None:
    """More inputs tell the first contract apart than it is asked for at once; only the last one tells the third."""
    network = network_of_every_layer()
    layer = next(layer for layer in network.layers if layer.op == "add")
    truth = np.zeros((9, 1), np.int8)
    outputs = dict.fromkeys(NETWORK_CONTRACTS, truth)
    outputs[Contract.DOUBLE] = np.array([[1]] * 8 + [[0]], np.int8)
    outputs[Contract.FP32HE] = np.array([[0]] * 8 + [[1]], np.int8)

    class Fixed(Candidates):
        def outputs(self, *arguments: object) -> dict[Contract, np.ndarray]:
            return outputs

    found = LayerComparison("sum", "add", [[contract] for contract in NETWORK_CONTRACTS], values=1)
    given = np.arange(9)[:, None]
    still = _try(layer, (given,), lambda x: truth[x[:, 0]], Fixed(network), found, Contract.DOUBLE)
    assert not still
    assert found.exact == [Contract.SINGLE, Contract.UP2, Contract.F64AWAY]
    assert (found.probes, found.asked) == (9, 5)


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
