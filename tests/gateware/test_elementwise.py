"""The elementwise engine on random sums: every output, the cycle it is written in, and the cycle count."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.elementwise import SCALER_LATENCY, ElementwiseParameters
from hwq.arch.isa import Space
from hwq.arch.parameters import ArrayParameters, BufferParameters, RequantizerParameters
from hwq.emulate.emulator import Emulator
from hwq.gateware import flat, rounding, scaler
from hwq.gateware.engines import elementwise as engine
from hwq.gateware.nets import net
from hwq.gateware.scaler import InputScaler
from hwq.graph.network import Network
from hwq.numeric.add import add_parameters, add_term
from hwq.schedule import images
from hwq.schedule.engines.elementwise import ElementwisePlan, plan_elementwise
from hwq.schedule.plans import Places
from tests.support.elementwise import random_accelerator, random_scale, random_sum, random_zero, sum_of
from tests.support.on_chip import END, OnChip
from tests.support.planned import check_plans
from tests.support.simulation import simulate

ALL = range(-128, 128)


def check(
    network: Network,
    accelerator: Accelerator,
    choose: random.Random,
    monkeypatch: pytest.MonkeyPatch,
    choices: Sequence[int] = ALL,
) -> None:
    layer = network.layers[0]
    plans = plan_elementwise(network, layer, accelerator)
    assert not isinstance(plans, str)
    rng = np.random.default_rng(choose.randrange(1 << 32))
    codes = {
        name: rng.choice(np.array(choices, np.int8), network.tensors[name].shape)
        for name in dict.fromkeys(layer.inputs)
    }
    inputs = [codes[name] for name in layer.inputs]
    expected = Emulator(network).run_layer(layer, *(operand[None] for operand in inputs))[0]
    check_plans(plans, inputs, expected, choose, monkeypatch)


@pytest.mark.parametrize("seed", range(25))
def test_random_sums(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = random.Random(seed)
    check(random_sum(choose), random_accelerator(choose), choose, monkeypatch)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(25, 325))
def test_many_random_sums(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = random.Random(seed)
    choices = choose.choice([ALL, (-128, 127), (-128,), (127,), (-1, 0, 1)])
    check(random_sum(choose), random_accelerator(choose), choose, monkeypatch, choices)


def small(rows: int, lanes: int, elements: int = 256) -> Accelerator:
    """An accelerator whose array is no bigger than words of ``rows`` and as many lanes ask for."""
    return Accelerator(
        array=ArrayParameters(rows, lanes),
        requantizer=RequantizerParameters(lanes),
        buffers=BufferParameters(activations=elements, weights=64, channels=64, descriptors=4, accumulators=2),
        elementwise=ElementwiseParameters(),
    )


EDGES = {
    "one element": sum_of((1,), (0.5, 0.3, 0.6), (3, -5, 7)),
    "one group": sum_of((2, 1), (0.5, 0.3, 0.6), (3, -5, 7)),
    "the first of a pair of groups alone": sum_of((5, 2), (0.5, 0.3, 0.6), (3, -5, 7)),
    "both of a pair, the last one partly": sum_of((7,), (0.5, 0.3, 0.6), (3, -5, 7)),
    "lowest zero-points": sum_of((13,), (0.5, 0.5, 1.0), (-128, -128, -128)),
    "highest zero-points": sum_of((13,), (0.5, 0.5, 1.0), (127, 127, 127)),
    "opposite zero-points": sum_of((13,), (0.5, 0.4, 1.0), (-128, 127, 0)),
    "an operand that vanishes": sum_of((13,), (1.0, 2.0**-40, 0.5), (1, 2, 3)),
    "an operand of the longest shift": sum_of((13,), (2.0**-30, 1.0, 0.5), (1, 2, 3)),
    "a tensor and itself": sum_of((3, 5), (0.5, 0.5, 0.7), (3, 3, -9), inputs=("a", "a")),
    "clamped": sum_of((15,), (0.5, 0.25, 0.1), (0, 0, 0), (-20, 31)),
}


@pytest.mark.parametrize("edge", EDGES)
def test_edges(edge: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check(EDGES[edge], small(5, 2), random.Random(edge), monkeypatch, (-128, 127) if "opposite" in edge else ALL)


@pytest.mark.parametrize(
    ("rows", "lanes", "group"), [(1, 1, 1), (2, 2, 1), (4, 3, 2), (8, 8, 4), (16, 5, 5), (3, 1, 1)]
)
def test_a_group_is_as_wide_as_lanes_and_half_a_word(
    rows: int, lanes: int, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    accelerator = small(rows, lanes)
    assert accelerator.elementwise_group == group
    check(sum_of((37,), (0.5, 0.3, 0.6), (3, -5, 7)), accelerator, random.Random(lanes), monkeypatch)


def test_a_sum_follows_one_of_an_odd_number_of_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    network, accelerator = sum_of((5,), (0.5, 0.3, 0.6), (3, -5, 7)), small(8, 2)
    layer, (plan,) = network.layers[0], plan_elementwise(network, network.layers[0], accelerator)
    assert isinstance(plan, ElementwisePlan) and plan.groups == 3
    first, second = np.random.default_rng(4).integers(-128, 128, (2, 5)).astype(np.int8)
    # The second sum takes the operands the other way round.
    places = [Places(0, 0, (0, 5), 10), Places(0, 0, (5, 0), 15)]
    descriptors = [{"opcode": plan.opcode.value, **plan.descriptor(place)} for place in places]
    memories = {
        Space.ACTIVATIONS: images.activation_words(accelerator, np.concatenate([first, second])),
        Space.RECORDS: images.pack_records(accelerator, plan.records()),
        Space.DESCRIPTORS: [word for fields in descriptors for word in isa.descriptor_words(fields)] + END,
    }
    total = plan.cycles().total
    chip = OnChip(accelerator, memories, 2 * total, (0, 3), monkeypatch)
    emulator = Emulator(network)
    expected = [emulator.run_layer(layer, x[None], y[None])[0].tolist() for x, y in ((first, second), (second, first))]
    assert [chip.elements[10:15], chip.elements[15:20]] == expected
    assert chip.cycles == 2 * total
    assert chip.written == {10 + 5 * n + e: n * total + plan.output_cycle(e) for n in range(2) for e in range(5)}


# -- the scaler by itself ----------------------------------------------------------------------------------------------


def _terms(cases: Sequence[tuple[int, tuple[int, int]]]) -> list[list[int]]:
    """Terms of every code, for each zero-point and (multiplier, shift)."""
    dut = InputScaler(accelerator=small(2, 2))
    assert dut.latency == SCALER_LATENCY
    found: list[list[int]] = []

    async def bench(context: Any) -> None:
        for zero_point, (multiplier, shift) in cases:
            context.set(dut.zero_point, zero_point)
            context.set(dut.multiplier, multiplier)
            context.set(dut.shift, -shift)
            terms = []
            for cycle in range(len(ALL) + dut.latency):
                context.set(dut.code, min(cycle - 128, 127))
                if cycle >= dut.latency:
                    terms.append(context.get(dut.term))
                await context.tick()
            found.append(terms)

    simulate(dut, bench)
    return found


def test_scalers_equal_the_definition() -> None:
    choose = random.Random(6)
    cases = [(zero, constants) for zero in (-128, 127) for constants in ((1 << 30, 0), ((1 << 31) - 1, -1), (0, 0))]
    cases += [(zero, (multiplier, -28)) for zero in (-128, 0, 127) for multiplier in (1 << 30, (1 << 31) - 1)]
    cases += [(3, (1 << 30, -19)), (3, (1 << 30, -20))]
    for _ in range(20):
        a, b = random_scale(choose), random_scale(choose)
        parameters = add_parameters(a, b, 1.0)
        cases += [(random_zero(choose), parameters.first), (random_zero(choose), parameters.second)]
    codes = np.array(ALL)
    assert _terms(cases) == [add_term(codes - zero, constants).tolist() for zero, constants in cases]


# -- every part counts -------------------------------------------------------------------------------------------------


SUM = sum_of((9, 5), (0.5, 0.3, 0.5), (3, -5, 7))


def sees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two groups a pair, an odd number of groups, the last one with one lane."""
    with pytest.raises(AssertionError):
        check(SUM, small(8, 2), random.Random(1), monkeypatch)


@pytest.mark.parametrize(
    ("field", "instead"),
    [
        ("multiplier_b", "multiplier_a"),
        ("shift_b", "shift_a"),
        ("zero_point_a", "zero_point_b"),
        ("base_b", "base_a"),
        ("last_lanes", "lanes"),
    ],
)
def test_a_wrong_field_is_seen(field: str, instead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    intact = ElementwisePlan.descriptor

    def changed(plan: ElementwisePlan, places: Places) -> dict[str, int]:
        fields = intact(plan, places)
        return {**fields, field: {**fields, "lanes": 2}[instead]}

    monkeypatch.setattr(ElementwisePlan, "descriptor", changed)
    sees(monkeypatch)


def _narrow(bits: int, name: str) -> Callable[..., Signal]:
    """`net` whose sum ``name`` loses what it carries beyond ``bits``."""
    intact = engine.net

    def cut(m: Module, of: str, value: Any, shape: Any) -> Signal:
        return intact(m, of, value[:bits] if of == name else value, shape)

    return cut


@pytest.mark.parametrize(("module", "name"), [(engine, "address_beyond"), (flat, "next_output")])
def test_a_dropped_carry_of_an_address_is_seen(module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "net", _narrow(5, name))
    sees(monkeypatch)


def test_the_engine_is_right_where_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    check(SUM, small(8, 2), random.Random(1), monkeypatch)


def test_the_outer_rounding_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def upwards(m: Module, value: Signal, right: Any, most: int) -> Signal:
        return intact(m, net(m, "one_more", value + right.any(), value.shape()), right, most)

    intact = rounding.half_away
    cases = [(3, (1 << 30, -20))]
    expected = [add_term(np.array(ALL) - 3, cases[0][1]).tolist()]
    assert _terms(cases) == expected
    monkeypatch.setattr(scaler, "half_away", upwards)
    assert _terms(cases) != expected
