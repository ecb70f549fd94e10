"""Whole networks under every contract of the requantizer, in Verilator: every bit, every cycle, every count."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.engines.elementwise import ElementwiseParameters
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.engines.table import TableParameters
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, BufferParameters, RequantizerParameters
from hwq.errors import CapacityError
from hwq.graph.inputs import random_samples
from hwq.graph.layers import WeightedLayer
from hwq.graph.network import Network
from hwq.numeric.accumulation import BiasPlace, Granularity, SumOverflow
from hwq.numeric.requantization import CONTRACTS, OutputOverflow
from hwq.numeric.requantize import Contract
from hwq.numeric.rounding import Rounding
from hwq.verify.design import lower_design
from hwq.verify.session import verify
from tests.support.random_networks import random_network

BUFFERS = BufferParameters(activations=1 << 15, weights=1 << 18, channels=1 << 13, descriptors=512, accumulators=32)


def powers_of_two(network: Network) -> Network:
    """The network with every scale rounded to a power of two, as contract `shift` needs them."""

    def rounded(scales: np.ndarray) -> np.ndarray:
        return np.exp2(np.rint(np.log2(scales))).astype(np.float32)

    tensors = {
        name: replace(tensor, quantization=replace(tensor.quantization, scale=rounded(tensor.quantization.scale)))
        for name, tensor in network.tensors.items()
    }
    layers = [
        replace(layer, weight_quantization=replace(q, scale=rounded(q.scale)))
        if isinstance(layer, WeightedLayer) and (q := layer.weight_quantization)
        else layer
        for layer in network.layers
    ]
    return replace(network, tensors=tensors, layers=tuple(layers))


def accelerator(contract: Contract, choose: random.Random) -> Accelerator:
    overflow = choose.choice(list(SumOverflow))
    return Accelerator(
        ArrayParameters(choose.randint(2, 4), choose.randint(2, 4)),
        ArithmeticParameters(
            contract=contract,
            overflow=overflow,
            granularity=choose.choice(list(Granularity)),
            accumulator_bits=24 if overflow is SumOverflow.REFUSE else choose.randint(14, 20),
            bias=choose.choice(list(BiasPlace)),
        ),
        RequantizerParameters(
            multiplier_bits=choose.choice([8, 16, 24]),
            add_bits=56,
            rounding=choose.choice(list(Rounding)),
            output_overflow=choose.choice(list(OutputOverflow)),
        ),
        BUFFERS,
        DepthwiseParameters(3, 3, 24),
        PoolingParameters(),
        ElementwiseParameters(),
        TableParameters(),
    )


def check(contract: Contract, seed: int, directory: Path) -> None:
    network, hardware = random_network(seed), accelerator(contract, random.Random(seed))
    if contract is Contract.SHIFT:
        network = powers_of_two(network)
    print(hardware)
    design = lower_design(network, hardware)
    report = verify(design, random_samples(network, 2, seed), directory, {})
    assert report.match, (report.failure, [run for run in report.runs if not run.match])
    if contract is not Contract.UP2:
        assert all("not proven under contract" in found.reason for found in design.host)


@pytest.mark.parametrize("contract", [contract for contract in CONTRACTS if contract is not Contract.DOUBLE])
def test_a_network_under_every_contract(contract: Contract, tmp_path: Path) -> None:
    check(contract, 7 if contract is Contract.SHIFT else 2, tmp_path)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("contract", CONTRACTS)
def test_many_networks_under_every_contract(contract: Contract, seed: int, tmp_path: Path) -> None:
    check(contract, seed, tmp_path)


def test_what_records_cannot_hold_is_refused_by_name() -> None:
    network, choose = random_network(2), random.Random(2)
    with pytest.raises(
        CapacityError, match=r"layer \w+: requantizer\.scale: must be a power of two under contract shift"
    ):
        lower_design(network, accelerator(Contract.SHIFT, choose))
    narrow = replace(accelerator(Contract.PLAIN, choose), requantizer=RequantizerParameters(add_bits=8))
    with pytest.raises(CapacityError, match=r"layer \w+: requantizer\.add_bits: a bias times its multiplier needs \d+"):
        lower_design(network, replace(narrow, arithmetic=ArithmeticParameters(contract=Contract.PLAIN)))
