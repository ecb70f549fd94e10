"""Witnesses reach exactly the bound, overflow a width that lacks one bit, and nothing overflows a safe one."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, InputZeroPoint
from hwq.certify.certificate import LayerCertificate, certify
from hwq.certify.hardware import count_in_hardware
from hwq.certify.witness import find_witness
from hwq.cli.inspection import inspect_network
from hwq.emulate import Emulator
from hwq.frontends import load
from hwq.graph.inputs import random_samples
from hwq.graph.network import Network
from hwq.numeric.accumulation import BiasPlace, Granularity, SumOverflow
from hwq.schedule.order import OrderedSum, ordered_sums
from tests.certify.layers import every_input, partial_sums, products_of, start_of, tiny_terms
from tests.support.models import official_model
from tests.support.random_networks import random_network

CHOICES = [overflow for overflow in SumOverflow if overflow is not SumOverflow.REFUSE]


@pytest.mark.parametrize("seed", range(40))
def test_witnesses_of_tiny_layers_leave_the_width_as_far_as_any_input(seed: int) -> None:
    terms = tiny_terms(seed)
    spec, every = terms.how.accumulation, terms.how.accumulation.granularity is Granularity.MAC
    witness = find_witness(terms)
    beyond: dict[str, int] = {"psum": 0, "accumulator": 0}
    values: dict[bytes, set[tuple[str, int, int, int]]] = {}
    for codes in every_input(terms):
        found = values.setdefault(codes.tobytes(), set())
        for channel, products in products_of(terms.layer, terms, codes):
            start = start_of(terms.layer, terms, channel)
            for kind, done, value in partial_sums(products, terms.how.passes, every, start):
                found.add((kind, channel, done, value))
                low, high = spec.range(spec.accumulator_bits if kind == "accumulator" else spec.psum_bits or 40)
                if kind == "psum" or terms.start[channel] == start:
                    beyond[kind] = max(beyond[kind], value - high, low - value)
    if witness is None:
        assert not any(beyond.values())
        return
    assert witness.kind == ("psum" if beyond["psum"] else "accumulator")
    low, high = spec.range(witness.bits)
    assert max(witness.value - high, low - witness.value) == beyond[witness.kind]
    reached = values[witness.codes.astype(int).tobytes()]
    assert (witness.kind, witness.channel, witness.products, witness.value) in reached


def _accelerator(seed: int) -> Accelerator:
    choose = random.Random(seed)
    arithmetic = ArithmeticParameters(
        input_zero_point=choose.choice(list(InputZeroPoint)),
        overflow=CHOICES[seed % 3],
        granularity=list(Granularity)[seed // 3 % 2],
        accumulator_bits=32,
    )
    depthwise = DepthwiseParameters(3, 3, 64) if choose.random() < 0.7 else None
    return Accelerator(ArrayParameters(choose.randint(1, 9), 4), arithmetic, depthwise=depthwise)


def _certified(network: Network, sums: dict[str, OrderedSum]) -> dict[str, LayerCertificate]:
    return {layer.layer.name: layer for layer in certify(network, sums, Emulator(network, sums=sums))}


@pytest.mark.parametrize("bias", list(BiasPlace))
@pytest.mark.parametrize("seed", range(12))
def test_one_bit_less_than_safe_overflows_in_the_emulator_and_safe_does_not(seed: int, bias: BiasPlace) -> None:
    network = random_network(seed)
    sums = ordered_sums(network, _accelerator(seed))
    sums = {name: replace(how, accumulation=replace(how.accumulation, bias=bias)) for name, how in sums.items()}
    wide = _certified(network, sums)
    assert all(layer.safe and layer.witness is None for layer in wide.values())

    def narrowed(less: int, psum: bool) -> dict[str, OrderedSum]:
        found = {}
        for name, how in sums.items():
            sides = wide[name].psum, wide[name].accumulator
            bits = [side.reach.bits - less for side in sides if side is not None]
            widths = {"psum_bits": bits[0]} if psum else {"accumulator_bits": bits[1]}
            found[name] = replace(how, accumulation=replace(how.accumulation, **widths))
        return found

    for psum in (False, True):
        if psum and next(iter(sums.values())).accumulation.granularity is Granularity.MAC:
            continue
        safe, short = (_certified(network, narrowed(less, psum)) for less in (0, 1))
        for name, layer in short.items():
            assert safe[name].safe
            assert safe[name].witness is None
            assert not layer.safe
            witness, sums_of = layer.witness, layer.psum if psum else layer.accumulator
            if witness is None:
                # The accumulator already lacks room for what it begins with.
                assert layer.wide_biases
                continue
            assert sums_of is not None
            assert (layer.overflows or 0) > 0
            assert witness.kind == ("psum" if psum else "accumulator")
            if not layer.wide_biases:
                ends = sums_of.reach.low[witness.channel], sums_of.reach.high[witness.channel]
                assert witness.value in ends
            # What overflows a bit less does nothing to the safe width.
            emulator = Emulator(network, sums=narrowed(0, psum), count=True)
            emulator.run_layer(name, witness.codes)
            assert emulator.overflows[name].totals[:2].tolist() == [0, 0]


def test_what_is_seen_lies_within_what_is_proven() -> None:
    network = random_network(4)
    sums = ordered_sums(network, _accelerator(0))
    done: list[int] = []
    pieces = [random_samples(network, 2, 1), random_samples(network, 1, 2)]
    for layer in certify(network, sums, Emulator(network, sums=sums), pieces, done.append):
        for side in (layer.accumulator, layer.psum):
            assert side is not None
            assert side.observed is not None
            assert (side.reach.low <= side.observed.low).all()
            assert (side.observed.high <= side.reach.high).all()
            assert 1 < side.observed.bits <= side.reach.bits
    assert done == [2, 3]


def test_a_bare_network_has_one_accumulator_and_no_psums() -> None:
    network = random_network(1)
    for layer in certify(network, {}, Emulator(network)):
        assert layer.psum is None
        assert not layer.on_chip
        assert layer.accumulator.width == 32
        assert layer.safe
        assert not layer.order_matters.any()


@pytest.mark.parametrize(
    ("name", "folded", "subtracted"), [("ad", 22, 22), ("ic", 23, 23), ("kws", 20, 21), ("vww", 21, 21)]
)
def test_official_models(name: str, folded: int, subtracted: int) -> None:
    """Some window of every layer lies inside its input: the schedule needs what any order does, as inspect has it."""
    network = load(official_model(name))
    for form, bits in ((InputZeroPoint.FOLDED, folded), (InputZeroPoint.SUBTRACTED, subtracted)):
        accelerator = Accelerator(arithmetic=ArithmeticParameters(input_zero_point=form))
        layers = _certified(network, dict(ordered_sums(network, accelerator)))
        assert max(layer.accumulator.reach.bits for layer in layers.values()) == bits
        for figures in inspect_network(network, form).layers:
            if figures.name in layers:
                certified = layers[figures.name]
                assert figures.accumulator_bits == certified.accumulator.reach.bits == certified.any_order_bits


@pytest.mark.parametrize("granularity", list(Granularity))
def test_the_hardware_counts_what_the_emulator_counts(granularity: Granularity, tmp_path: Path) -> None:
    network = random_network(3)
    arithmetic = ArithmeticParameters(overflow=SumOverflow.SATURATE, accumulator_bits=12, granularity=granularity)
    accelerator = Accelerator(ArrayParameters(3, 2), arithmetic)
    found = _certified(network, dict(ordered_sums(network, accelerator)))
    layer = next(layer for layer in found.values() if layer.witness is not None)
    assert layer.witness is not None
    counted = count_in_hardware(network, layer.layer, layer.witness, accelerator, tmp_path)
    assert counted == layer.overflows
    assert counted > 0
