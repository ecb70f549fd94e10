"""Whole networks under every contract of the requantizer, in Verilator: every bit, every cycle, every count."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from hwq.arch.parameters import ArithmeticParameters, RequantizerParameters
from hwq.errors import CapacityError
from hwq.graph.inputs import random_samples
from hwq.numeric.requantization import CONTRACTS
from hwq.numeric.requantize import Contract
from hwq.verify.design import lower_design
from hwq.verify.session import verify
from tests.support.contracts import accelerator, powers_of_two
from tests.support.random_networks import random_network


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
