"""Plans of the pooling engine: descriptors walked in Python against the emulator, cycles, and what is refused."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.pooling import LATENCY, PoolingParameters
from hwq.arch.parameters import ArrayParameters, RequantizerParameters
from hwq.emulate.emulator import Emulator
from hwq.graph.layers import PoolKind, Reshape
from hwq.graph.network import Network
from hwq.graph.tensors import Quantization, Tensor
from hwq.numeric.formats import UINT8
from hwq.schedule.engines.pooling import PoolingPlan, plan_pooling
from hwq.schedule.plans import Places, fetch_cycles, to_memory
from tests.support.pooling import join, mean, network_of, pad, pool, random_accelerator, random_layer, requantize
from tests.support.scalar import requantized

KWS = Accelerator(array=ArrayParameters(8, 8), requantizer=RequantizerParameters(lanes=4), pooling=PoolingParameters())


def planned(network: Network, accelerator: Accelerator = KWS) -> tuple[PoolingPlan, ...]:
    plans = plan_pooling(network, network.layers[0], accelerator)
    assert not isinstance(plans, str), plans
    return plans


def walk(plan: PoolingPlan, places: Places, memory: dict[int, int], written: dict[int, tuple[int, int]]) -> None:
    """Execute a descriptor as docs/spec/accelerator.md says: element to (code, cycle of its write)."""
    a, d, records = plan.accelerator, plan.descriptor(places), plan.records()
    space, n, lanes = 1 << a.element_address_bits, a.vector, a.lanes
    address, pixel_address = d["in_base"], d["out_base"]
    cycle, free = fetch_cycles(), 0
    outer = product(range(d["more_blocks"] + 1), range(d["more_down"] + 1), range(d["more_across"] + 1))
    for block, down, across in outer:
        last_block, record = block == d["more_blocks"], 0
        values = [0] * n
        for i, j in product(range(d["more_rows"] + 1), range(d["more_columns"] + 1)):
            row, column = d["y_start"] + down * d["y_step"] + i, d["column_start"] + across * d["column_step"] + j
            row_out, column_out = not 0 <= row < d["in_height"], not 0 <= column < d["in_width"]
            codes = [d["fill"] if row_out or column_out else memory[(address + k) % space] for k in range(n)]
            if (i, j) == (0, 0):
                values = codes
            elif d["maximum"]:
                values = [max(pair) for pair in zip(values, codes, strict=True)]
            else:
                values = [sum(pair) for pair in zip(values, codes, strict=True)]
            record += d["record_column_step"] * (column_out and i == d["more_rows"])
            record += d["record_row_step"] * (row_out and j == d["more_columns"])
            if j < d["more_columns"]:
                address += d["column_elements"]
            elif i < d["more_rows"]:
                address += d["row_elements"]
        if across < d["more_across"]:
            address += d["pixel_elements"]
        elif down < d["more_down"]:
            address += d["line_elements"]
        else:
            address += d["block_elements"]
        groups = d["last_groups"] if last_block else n // lanes
        cycle = max(cycle + (d["more_rows"] + 1) * (d["more_columns"] + 1), free)
        free = cycle + groups
        for group, lane in product(range(groups), range(lanes)):
            if last_block and group == groups - 1 and lane >= d["last_lanes"]:
                continue
            chosen = records[record * lanes + lane]
            value = values[group * lanes + lane] << (0 if d["unscaled"] else 8)
            code = requantized(value + chosen["bias"], chosen["multiplier"], chosen["shift"]) + d["out_zero_point"]
            element = (pixel_address + group * lanes + lane) % space
            assert element not in written
            written[element] = min(max(code, d["low"]), d["high"]), cycle + LATENCY + group + to_memory(a)
        pixel_address += d["out_block_step"] if (down, across) == (d["more_down"], d["more_across"]) else d["out_step"]


def check(network: Network, accelerator: Accelerator, seed: int) -> None:
    rng, layer = np.random.default_rng(seed), network.layers[0]
    inputs = [rng.integers(-128, 128, network.tensors[name].shape).astype(np.int8) for name in layer.inputs]
    expected = Emulator(network).run_layer(layer, *(codes[None] for codes in inputs))[0].reshape(-1).tolist()
    space = 1 << accelerator.element_address_bits
    memory = dict(enumerate(rng.integers(-128, 128, space).tolist()))
    bases, free = [], 3
    for codes in inputs:
        bases.append(free)
        memory.update(enumerate(codes.reshape(-1).tolist(), free))
        free += codes.size
    got: dict[int, tuple[int, int]] = {}
    for plan in planned(network, accelerator):
        written: dict[int, tuple[int, int]] = {}
        walk(plan, Places(0, 0, tuple(bases), free), memory, written)
        cycles = {free + e: plan.output_cycle(e) for e in range(len(expected)) if plan.output_cycle(e) is not None}
        assert {element: cycle for element, (_, cycle) in written.items()} == cycles
        assert plan.cycles().total == max(cycles.values())
        assert not written.keys() & got.keys()
        got |= written
    assert {element: code for element, (code, _) in got.items()} == dict(enumerate(expected, free))


@pytest.mark.parametrize("seed", range(60))
def test_random_layers(seed: int) -> None:
    choose = random.Random(seed)
    check(random_layer(choose), random_accelerator(choose), seed)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(60, 2060))
def test_many_random_layers(seed: int) -> None:
    choose = random.Random(seed)
    check(random_layer(choose), random_accelerator(choose), seed)


@pytest.mark.parametrize(
    ("shape", "kernel", "cycles"),
    [((25, 5, 64), (25, 5), 1000), ((3, 3, 256), (3, 3), 288), ((8, 8, 64), (8, 8), 512)],
    ids=["kws", "vww", "ic"],
)
def test_cycles_of_the_global_averages(shape: tuple[int, ...], kernel: tuple[int, int], cycles: int) -> None:
    (plan,) = planned(pool(PoolKind.AVERAGE, shape, kernel))
    count = plan.cycles()
    # Descriptor, positions, the last window's way out with its second group, requantizer and memory.
    assert (count.fetch, count.load, count.issue, count.wait, count.tail) == (12, 0, cycles, 0, LATENCY + 1 + 11)


def test_windows_of_fewer_positions_than_groups_wait() -> None:
    # 3 x 3 pixels of 12 channels: windows of one position and two groups, then of one group.
    (plan,) = planned(pool(PoolKind.MAX, (3, 3, 12), (1, 1)))
    assert (plan.full_groups, plan.last_groups) == (2, 1)
    assert (plan.cycles().issue, plan.cycles().wait) == (18, 9)


def test_records_of_every_count() -> None:
    (plan,) = planned(pool(PoolKind.AVERAGE, (5, 6, 3), (3, 3), padding=(1, 1, 1, 1)))
    found = [(record["multiplier"], record["shift"]) for record in plan.records()[:: KWS.lanes]]
    # 9, 6, 6 and 4 positions.
    assert found == [(1908874354, -11), (1431655766, -10), (1431655766, -10), (1 << 30, -9)]
    fields = plan.descriptor(Places(0, 7, (0,), 0))
    assert (fields["record_base"], fields["record_row_step"], fields["record_column_step"]) == (7, 2, 1)


@pytest.mark.parametrize(
    "network",
    [
        pool(PoolKind.MAX, (5, 6, 3), (3, 3), padding=(1, 1, 1, 1)),
        pool(PoolKind.AVERAGE, (5, 6, 3), (3, 3)),
        pad((5, 6, 3), ((1, 1), (1, 1), (0, 0)), 0),
        mean((5, 6, 3), (0, 1)),
    ],
    ids=["maximum", "no padding", "pad", "mean"],
)
def test_one_record_where_no_count_varies(network: Network) -> None:
    (plan,) = planned(network)
    assert len(plan.records()) == KWS.lanes
    fields = plan.descriptor(Places(0, 0, (0,), 0))
    assert (fields["record_row_step"], fields["record_column_step"]) == (0, 0)


def refusal(network: Network, accelerator: Accelerator = KWS) -> str:
    reason = plan_pooling(network, network.layers[0], accelerator)
    assert isinstance(reason, str)
    return reason


def test_what_is_refused() -> None:
    assert refusal(mean((2, 3, 4), (0, 2))) == (
        "the pooling engine takes means over axes that lie side by side, not over [0, 2]"
    )
    assert refusal(mean((257, 256, 1), (0, 1))) == (
        "the pooling engine averages up to 65536 positions exactly, not 65792"
    )
    assert refusal(pool(PoolKind.AVERAGE, (257, 256, 1), (257, 256))) == (
        "the pooling engine averages up to 65536 positions exactly, not 65792"
    )
    assert refusal(pad((2, 3, 4), ((1, 0), (0, 0), (0, 1)), 0)) == (
        "the pooling engine pads rows and columns of an image, not axes [0, 2] of [2, 3, 4] together"
    )
    assert refusal(pool(PoolKind.MAX, (5000, 1, 1), (1, 1), (4096, 1))) == (
        "the pooling engine's descriptor has no room for it: field 'y_step' holds 0 to 4095, not 4096"
    )
    assert (
        refusal(network_of(Reshape("flat", ("x",), "y"), [(2, 3)], (6,))) == "the pooling engine does not run reshape"
    )


def test_unsigned_codes_are_refused() -> None:
    network = requantize((2, 3), (0.1, 0.1), (0, 0))
    unsigned = Quantization(UINT8, np.array([0.1], np.float32), np.array([128], np.int32))
    tensors = {**network.tensors, "y": Tensor("y", (2, 3), unsigned)}
    assert refusal(Network("unsigned", tensors, network.layers, "x", "y")) == (
        "the pooling engine changes scales of signed codes only"
    )


@pytest.mark.parametrize(
    ("network", "need"),
    [
        (requantize((4,), (0.1, 0.1), (0, 0)), 1),
        (requantize((4,), (0.1, 0.03), (0, 0)), 2),
        (mean((1, 2, 3), (0, 1), (0.4, 0.1)), 2),
    ],
    ids=["equal scales", "finer", "mean"],
)
def test_a_missing_left_shift_is_named(network: Network, need: int) -> None:
    (plan,) = planned(
        network, Accelerator(requantizer=RequantizerParameters(max_left_shift=0), pooling=PoolingParameters())
    )
    text = f"its scales need a shift to the left by {need} bits and the requantizer shifts by at most 0"
    assert plan.faults() == [f"layer {plan.layer}: {text}; raise requantizer.max_left_shift to {need}"]
    enough = RequantizerParameters(max_left_shift=need)
    (plan,) = planned(network, Accelerator(requantizer=enough, pooling=PoolingParameters()))
    assert plan.faults() == []


@pytest.mark.parametrize(
    ("shapes", "axis"), [([(2, 3, 4), (2, 3, 5)], 2), ([(2, 3, 4), (2, 1, 4)], 1), ([(1, 3), (2, 3), (1, 3)], 0)]
)
def test_a_join_has_a_plan_for_each_input(shapes: Sequence[tuple[int, ...]], axis: int) -> None:
    plans = planned(join(shapes, axis))
    assert [plan.source for plan in plans] == list(range(len(shapes)))
    assert sum(plan.windows.pixels * plan.windows.channels for plan in plans) == sum(int(np.prod(s)) for s in shapes)
