"""Sums that leave their width, in the accelerator's order, against a model that shares neither schedule nor numbers."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, InputZeroPoint, TruncateParameters
from hwq.emulate import Emulator, ordered
from hwq.graph.inputs import random_samples
from hwq.graph.layers import Dense, WeightedLayer
from hwq.graph.network import Network
from hwq.graph.requantization import effective_scales
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.accumulation import BiasPlace, Granularity, SumOverflow
from hwq.numeric.formats import INT8
from hwq.numeric.requantize import quantize_multiplier
from hwq.numeric.rounding import Rounding
from hwq.schedule.order import ordered_sums
from hwq.schedule.planning import assign
from tests.support.convolutions import quantization
from tests.support.operands import asymmetric
from tests.support.random_networks import random_network
from tests.support.scalar import requantized
from tests.support.scalar_layers import scalar_outputs
from tests.support.simulation import wrapped

OVERFLOWS = (SumOverflow.WRAP, SumOverflow.SATURATE, SumOverflow.SATURATE_SYMMETRIC)


def _arithmetic(choose: random.Random) -> ArithmeticParameters:
    granularity = choose.choice(list(Granularity))
    return ArithmeticParameters(
        input_zero_point=choose.choice(list(InputZeroPoint)),
        overflow=choose.choice(OVERFLOWS),
        granularity=granularity,
        accumulator_bits=choose.randint(9, 14),
        psum_bits=choose.choice([None, choose.randint(10, 18)]) if granularity is Granularity.PASS else None,
        truncate=TruncateParameters(choose.choice([0, 0, 1, 3]), choose.choice(list(Rounding))),
        bias=choose.choice(list(BiasPlace)),
    )


@pytest.mark.parametrize("weights", ["bytes", "with zero-points", "of 16 bits"])
@pytest.mark.parametrize("seed", range(24))
def test_codes_and_events_of_random_networks(seed: int, weights: str) -> None:
    choose, network = random.Random(seed), random_network(seed)
    if weights != "bytes":
        network = asymmetric(network, seed, 16 if weights == "of 16 bits" else 8)
    arithmetic = _arithmetic(choose)
    if weights != "bytes":
        more = 8 if weights == "of 16 bits" else 1
        psum = arithmetic.psum_bits
        arithmetic = replace(
            arithmetic,
            weight_bits=8 + more,
            accumulator_bits=arithmetic.accumulator_bits + more,
            psum_bits=None if psum is None else psum + more,
        )
    accelerator = Accelerator(ArrayParameters(choose.randint(1, 9), 4), arithmetic)
    if choose.random() < 0.7:
        accelerator = replace(accelerator, depthwise=DepthwiseParameters(3, 3, 64))
    engines = {layer.name: assign(network, layer, accelerator).engine for layer in network.layers}
    emulator = Emulator(network, sums=ordered_sums(network, accelerator), count=True)
    trace = emulator.trace(random_samples(network, 1, seed))
    checked = 0
    for layer in network.layers:
        if not isinstance(layer, WeightedLayer):
            continue
        codes, events = scalar_outputs(
            network,
            layer,
            trace[layer.inputs[0]][0],
            None if engines[layer.name] == "depthwise" else accelerator.array.rows,
            arithmetic.input_zero_point is InputZeroPoint.SUBTRACTED,
            psum_bits=arithmetic.psum_bits,
            accumulator_bits=arithmetic.accumulator_bits,
            overflow=arithmetic.overflow.value,
            granularity=arithmetic.granularity.value,
            truncate=arithmetic.truncate.bits,
            rounding=arithmetic.truncate.rounding.value,
            bias=arithmetic.bias.value,
        )
        assert trace[layer.output][0].reshape(-1).tolist() == codes, layer.name
        found = emulator.overflows.get(layer.name)
        if found is not None:
            counts = np.stack([found.psum, found.accumulator, found.output], axis=1)
            assert counts.tolist() == events, layer.name
            checked += counts.any()
        else:
            assert not any(psum or accumulator for psum, accumulator, _ in events)
    assert checked


@pytest.mark.parametrize("seed", range(24, 36))
def test_vectors_do_what_one_addition_after_the_other_does(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choose, network = random.Random(seed), random_network(seed)
    arithmetic = replace(
        _arithmetic(choose), truncate=TruncateParameters(0), accumulator_bits=choose.randint(9, 19), psum_bits=None
    )
    accelerator = Accelerator(ArrayParameters(choose.randint(1, 9), 4), arithmetic)
    if choose.random() < 0.5:
        accelerator = replace(accelerator, depthwise=DepthwiseParameters(3, 3, 64))
    sums, x = ordered_sums(network, accelerator), random_samples(network, 3, seed)
    with monkeypatch.context() as patch:
        patch.setattr(ordered, "_parts", lambda *_: None)
        plain = Emulator(network, sums=sums, count=True)
        expected = plain.trace(x)
    for vnni in {False, ordered.has_vnni()}:
        monkeypatch.setattr(ordered, "has_vnni", lambda vnni=vnni: vnni)
        for count in (False, True):
            emulator = Emulator(network, sums=sums, count=count)
            for name, codes in emulator.trace(x).items():
                np.testing.assert_array_equal(codes, expected[name], err_msg=name)
            for name, events in emulator.overflows.items():
                for found, wanted in zip(vars(events).values(), vars(plain.overflows[name]).values(), strict=True):
                    np.testing.assert_array_equal(found, wanted, err_msg=name)
            assert set(emulator.overflows) == (set(plain.overflows) if count else set())


def test_refusing_networks_have_nothing_to_count() -> None:
    network = random_network(3)
    accelerator = Accelerator(ArrayParameters(4, 4))
    assert not Emulator(network, sums=ordered_sums(network, accelerator)).overflows


@pytest.mark.parametrize("bits", [32, 40])
def test_totals_beyond_32_bits_saturate_where_accumulators_are_wider(bits: int) -> None:
    """A bias near the end of 32 bits, which sums cross: TFLite's accumulators wrap there."""
    scales = Quantization(INT8, np.full(2, 0.02, np.float32), np.zeros(2, np.int32), 0)
    bias = np.array([2**31 - 1000, 1000 - 2**31], np.int32)
    weights = np.array([[127] * 8, [-127] * 8], np.int8)
    layer = Dense("dense", ("x",), "y", weights, scales, bias, clamp=(-128, 127))
    tensors = {"x": Tensor("x", (8,), quantization(1e-6, 0)), "y": Tensor("y", (2,), quantization(0.5, 0))}
    network = Network("wide", tensors, (layer,), "x", "y")
    accelerator = Accelerator(ArrayParameters(4, 4), ArithmeticParameters(accumulator_bits=bits))
    found = Emulator(network, sums=ordered_sums(network, accelerator)).run(np.full((1, 8), 127, np.int8))[0]
    multipliers, shifts = quantize_multiplier(effective_scales(network, layer))
    expected = []
    totals = (2**31 - 1000 + 8 * 127**2, 1000 - 2**31 - 8 * 127**2)
    for total, multiplier, shift in zip(totals, multipliers, shifts, strict=True):
        entering = min(max(total, -(2**31)), 2**31 - 1) if bits > 32 else wrapped(total, 32)
        expected.append(min(max(requantized(entering, int(multiplier), int(shift)), -128), 127))
    assert found.tolist() == expected
    assert (expected[0] > 0) is (bits > 32)
