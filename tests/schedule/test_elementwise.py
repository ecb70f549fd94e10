"""Plans of the elementwise engine: descriptors executed in Python against the emulator, cycles, and what is refused."""

from __future__ import annotations

import random

import numpy as np
import pytest

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.elementwise import LATENCY, LONGEST_SHIFT, ElementwiseParameters
from hwq.arch.parameters import ArrayParameters, RequantizerParameters
from hwq.emulate.emulator import Emulator
from hwq.graph.layers import Add, Reshape
from hwq.graph.network import Network
from hwq.graph.tensors import Tensor
from hwq.numeric.add import add_parameters, add_term
from hwq.schedule.engines.elementwise import ElementwisePlan, plan_elementwise
from hwq.schedule.plans import Places, fetch_cycles, to_memory
from tests.support.convolutions import quantization
from tests.support.elementwise import random_accelerator, random_scale, random_sum, sum_of
from tests.support.scalar import requantized

IC = Accelerator(
    array=ArrayParameters(8, 8), requantizer=RequantizerParameters(lanes=4), elementwise=ElementwiseParameters()
)


def planned(network: Network, accelerator: Accelerator = IC) -> ElementwisePlan:
    plans = plan_elementwise(network, network.layers[0], accelerator)
    assert not isinstance(plans, str), plans
    (plan,) = plans
    return plan


def divided(value: int, shift: int) -> int:
    """By a power of two, halves away from zero."""
    magnitude = (abs(value) + (1 << shift >> 1)) >> shift
    return magnitude if value >= 0 else -magnitude


def term(code: int, fields: dict[str, int], operand: str) -> int:
    """As docs/spec/accelerator.md says."""
    value = (code - fields[f"zero_point_{operand}"]) * fields[f"multiplier_{operand}"]
    return divided((value + (1 << 10)) >> 11, fields[f"shift_{operand}"])


def walk(plan: ElementwisePlan, fields: dict[str, int], memory: list[int]) -> dict[int, tuple[int, int]]:
    """Execute a descriptor: element to (code, cycle of its write)."""
    a, record = plan.accelerator, plan.records()[-1]
    group, written = a.elementwise_group, {}
    for number in range(fields["more_groups"] + 1):
        for lane in range(group if number < fields["more_groups"] else fields["last_lanes"]):
            element = number * group + lane
            operands = ((name, memory[fields[f"base_{name}"] + element]) for name in "ab")
            value = sum(term(code, fields, name) for name, code in operands)
            code = requantized(value + record["bias"], record["multiplier"], record["shift"])
            code = min(max(code + fields["out_zero_point"], fields["low"]), fields["high"])
            cycle = fetch_cycles() + 1 + number + LATENCY + to_memory(a)
            written[fields["out_base"] + element] = code, cycle
    return written


def check(network: Network, accelerator: Accelerator, seed: int, **changed: int) -> None:
    rng, layer = np.random.default_rng(seed), network.layers[0]
    codes = {name: rng.integers(-128, 128, network.tensors[name].shape).astype(np.int8) for name in set(layer.inputs)}
    expected = Emulator(network).run_layer(layer, *(codes[name][None] for name in layer.inputs))[0].reshape(-1)
    memory = rng.integers(-128, 128, 1000).tolist()
    bases, free = {}, 3
    for name, operand in codes.items():
        bases[name] = free
        memory[free : free + operand.size] = operand.reshape(-1).tolist()
        free += operand.size
    plan = planned(network, accelerator)
    assert plan.faults() == []
    assert len(plan.records()) == accelerator.lanes
    places = Places(0, 5, tuple(bases[name] for name in layer.inputs), free)
    fields = plan.descriptor(places)
    assert isa.descriptor_fields(isa.descriptor_words({"opcode": plan.opcode.value, **fields})) == {
        "opcode": plan.opcode.value,
        **fields,
    }
    assert fields["record_base"] == 5
    written = walk(plan, {**fields, **changed}, memory)
    assert {element: code for element, (code, _) in written.items()} == dict(enumerate(expected.tolist(), free))
    cycles = {free + element: plan.output_cycle(element) for element in range(expected.size)}
    assert {element: cycle for element, (_, cycle) in written.items()} == cycles
    assert plan.cycles().total == max(cycle for _, cycle in written.values())


@pytest.mark.parametrize("seed", range(60))
def test_random_sums(seed: int) -> None:
    choose = random.Random(seed)
    check(random_sum(choose), random_accelerator(choose), seed)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(60, 2060))
def test_many_random_sums(seed: int) -> None:
    choose = random.Random(seed)
    check(random_sum(choose), random_accelerator(choose), seed)


FIELDS = {
    "more_groups": 19,
    "last_lanes": 2,
    "shift_a": 1,
    "shift_b": 2,
    "zero_point_a": 4,
    "zero_point_b": -4,
    "base_a": 2,
    "base_b": 2,
    "multiplier_a": 1 << 29,
    "multiplier_b": 1 << 30,
    "out_base": 0,
    "out_zero_point": 8,
    "low": 0,
    "high": 9,
}


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_counts(field: str) -> None:
    network = sum_of((9, 7), (0.5, 0.3, 0.5), (3, -5, 7))
    check(network, IC, 1)
    with pytest.raises(AssertionError):
        check(network, IC, 1, **{field: FIELDS[field]})


# -- the terms ---------------------------------------------------------------------------------------------------------


def _agree(scales: list[tuple[float, float]]) -> None:
    """The scalers' formula and N.6's, for every code less every zero-point, with both constants of each pair."""
    codes = np.arange(-255, 256)
    for first, second in np.array(scales, np.float32).tolist():
        network = sum_of((4,), (first, second, max(first, second)), (0, 0, 0))
        fields = planned(network).descriptor(Places(0, 0, (0, 0), 0))
        parameters = add_parameters(first, second, max(first, second))
        for operand, constants in (("a", parameters.first), ("b", parameters.second)):
            rounded = (codes * fields[f"multiplier_{operand}"] + (1 << 10)) >> 11
            shift = fields[f"shift_{operand}"]
            assert 0 <= shift <= LONGEST_SHIFT
            magnitude = (np.abs(rounded) + (1 << shift >> 1)) >> shift
            assert (np.sign(rounded) * magnitude == add_term(codes, constants)).all()
            assert np.abs(magnitude).max() <= 255 << 19


#: Single-precision scales whose ratio is a power of two, a little less, and a little more.
NEAR = [
    (1.0, float(np.nextafter(np.float32(2.0**-power), np.float32(bound))))
    for power in range(34)
    for bound in (0, 2.0**-power, 1)
]


def test_terms_are_those_of_the_definition() -> None:
    choose = random.Random(20)
    _agree([*NEAR, *((random_scale(choose), random_scale(choose)) for _ in range(300))])


@pytest.mark.proof
def test_terms_are_those_of_the_definition_for_many_scales() -> None:
    choose = random.Random(21)
    _agree([(random_scale(choose), random_scale(choose)) for _ in range(20_000)])


# -- cycles, and what is refused ---------------------------------------------------------------------------------------


def test_cycles_of_a_sum_of_image_classification() -> None:
    # 32 x 32 pixels of 16 channels, 4 a cycle.
    count = planned(sum_of((32, 32, 16), (0.5, 0.3, 0.5), (3, -5, 7))).cycles()
    assert (count.fetch, count.load, count.issue, count.wait, count.tail) == (12, 0, 4096, 0, LATENCY + 11)


@pytest.mark.parametrize(
    ("rows", "columns", "lanes", "group"), [(8, 8, 4, 4), (8, 8, 8, 4), (16, 16, 8, 8), (5, 3, 3, 3), (1, 1, 1, 1)]
)
def test_a_group_is_as_wide_as_lanes_and_half_a_word(rows: int, columns: int, lanes: int, group: int) -> None:
    accelerator = Accelerator(array=ArrayParameters(rows, columns), requantizer=RequantizerParameters(lanes))
    assert accelerator.elementwise_group == group


def test_no_sum_of_a_network_shifts_its_result_to_the_left() -> None:
    # An input's scale is at most 2^19 times the output's (N.6): the next single below.
    most = float(np.nextafter(np.float32(2.0**19), np.float32(0)))
    assert planned(sum_of((3,), (most, 1.0, 1.0), (0, 0, 0))).parameters.output[1] == 0


def refusal(network: Network) -> str:
    reason = plan_elementwise(network, network.layers[0], IC)
    assert isinstance(reason, str)
    return reason


@pytest.mark.parametrize("shapes", [((2, 3, 4), (4,)), ((1, 4), (3, 1)), ((4,), (1, 4))])
def test_operands_of_different_shapes_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    output = tuple(np.broadcast_shapes(*shapes))
    tensors = {
        name: Tensor(name, shape, quantization(0.5, 0)) for name, shape in zip("aby", (*shapes, output), strict=True)
    }
    first, second = (list(shape) for shape in shapes)
    assert refusal(Network("sum", tensors, (Add("add", ("a", "b"), "y", (-128, 127)),), "a", "y")) == (
        f"the elementwise engine adds tensors of equal shapes, not of {first} and {second}"
    )


def test_other_layers_are_refused() -> None:
    tensors = {name: Tensor(name, (6,), quantization(0.5, 0)) for name in "xy"}
    assert refusal(Network("flat", tensors, (Reshape("flat", ("x",), "y"),), "x", "y")) == (
        "the elementwise engine does not run reshape"
    )
