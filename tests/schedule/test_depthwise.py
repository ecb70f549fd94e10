"""Plans of the depthwise engine: descriptors walked in Python against the emulator, cycles, and what is refused."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters, InputZeroPoint, RequantizerParameters
from hwq.emulate.emulator import Emulator
from hwq.frontends.tflite.importer import read_tflite
from hwq.graph.layers import Conv2D, DepthwiseConv2D, Layer
from hwq.graph.network import Network
from hwq.schedule.engines.depthwise import DepthwisePlan, plan_depthwise
from hwq.schedule.plans import Places, fetch_cycles, to_memory
from tests.support.convolutions import small_network
from tests.support.depthwise import accelerator_of, depthwise, random_accelerator, random_layer
from tests.support.models import official_model
from tests.support.scalar import requantized

BIG = Accelerator(
    array=ArrayParameters(8, 8), requantizer=RequantizerParameters(lanes=4), depthwise=DepthwiseParameters()
)


def planned(network: Network, accelerator: Accelerator = BIG) -> DepthwisePlan:
    plans = plan_depthwise(network, network.layers[0], accelerator)
    assert not isinstance(plans, str), plans
    (plan,) = plans
    return plan


def walk(plan: DepthwisePlan, places: Places, memory: list[int]) -> dict[int, tuple[int, int]]:
    """Execute a descriptor as docs/spec/accelerator.md says: element to (code, cycle of its write)."""
    a, d, records, weights = plan.accelerator, plan.descriptor(places), plan.records(), plan.weight_image().tolist()
    p = a.depthwise
    assert p is not None
    n, lanes, space = a.depthwise_vector, a.lanes, 1 << a.element_address_bits
    subtracted = a.arithmetic.input_zero_point is InputZeroPoint.SUBTRACTED
    written: dict[int, tuple[int, int]] = {}
    begin = fetch_cycles() + p.taps + 1
    for block in range(d["more_blocks"] + 1):
        last_block = block == d["more_blocks"]
        groups = d["last_groups"] if last_block else n // lanes
        stream: list[list[int]] = []
        cycle = begin - 1
        for down in range(d["more_down"] + 1):
            for across in range(d["more_across"] + 1):
                gap = d["column_step"] if across else d["row_gap"] if down else d["first_gap"]
                for _ in range(gap):
                    address = d["in_first"] + block * n + len(stream) * d["in_step"]
                    stream.append([memory[(address + channel) % space] for channel in range(n)])
                    cycle += 1
                for channel in range(groups * lanes):
                    total = 0
                    for tap in range(p.taps):
                        i, j = divmod(tap, p.columns)
                        row, column = (
                            d["y_start"] + down * d["y_step"] + i,
                            d["column_start"] + across * d["column_step"] + j,
                        )
                        inside = 0 <= row < d["in_height"] and 0 <= column < d["in_width"]
                        back = (p.rows - 1 - i) * d["in_width"] + p.columns - 1 - j
                        code = stream[len(stream) - 1 - back][channel] if inside else d["in_zero_point"]
                        total += (code - d["in_zero_point"] * subtracted) * weights[block * p.taps + tap][channel]
                    group, lane = divmod(channel, lanes)
                    if last_block and group == groups - 1 and lane >= d["last_lanes"]:
                        continue
                    record = records[(block * (n // lanes) + group) * lanes + lane]
                    code = requantized(total + record["bias"], record["multiplier"], record["shift"])
                    pixel = down * (d["more_across"] + 1) + across
                    element = (d["out_base"] + pixel * d["out_step"] + block * n + channel) % space
                    assert element not in written
                    code = min(max(code + d["out_zero_point"], d["low"]), d["high"])
                    written[element] = code, cycle + group + a.depthwise_latency + to_memory(a)
                cycle += groups - 1
        begin = max(cycle + 1, begin + (0 if last_block else p.taps))
    return written


def check_random(seed: int) -> None:
    choose = random.Random(seed)
    accelerator = random_accelerator(choose)
    network = random_layer(choose, accelerator)
    plan = planned(network, accelerator)
    assert plan.faults() == []
    rng = np.random.default_rng(seed)
    codes = rng.integers(-128, 128, network.tensors["x"].shape).astype(np.int8)
    memory = rng.integers(-128, 128, 1 << accelerator.element_address_bits)
    memory[3 : 3 + codes.size] = codes.reshape(-1)
    expected = Emulator(network).run_layer(network.layers[0], codes[None])[0].reshape(-1).tolist()
    base = 3 + codes.size + 5
    written = walk(plan, Places(0, 0, (3,), base), memory.tolist())
    assert {e: code for e, (code, _) in written.items()} == {base + e: code for e, code in enumerate(expected)}
    cycles = {e: cycle for e, (_, cycle) in written.items()}
    assert cycles == {base + e: plan.output_cycle(e) for e in range(len(expected))}
    count = plan.cycles()
    assert count.total == max(cycles.values())
    assert min(count.load, count.issue, count.tail) > 0 <= count.wait
    assert plan.macs == network.layers[0].weights.size * len(expected) // plan.channels[0].output_elements  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(100))
def test_random_layers(seed: int) -> None:
    check_random(seed)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(100, 2000))
def test_many_random_layers(seed: int) -> None:
    check_random(seed)


def formula(layer: DepthwiseConv2D, network: Network, vector: int, lanes: int) -> int:
    """Cycles of a layer without partial blocks, out of its sizes alone."""
    (in_h, in_w, channels), (out_h, out_w, _) = (
        network.tensors[name].shape for name in (layer.inputs[0], layer.output)
    )
    (kernel_h, kernel_w, _), (stride_y, stride_x) = layer.weights.shape, layer.stride
    rows = (out_h - 1) * stride_y + kernel_h - layer.padding[0]
    steps = (rows - 1) * in_w + (out_w - 1) * stride_x + kernel_w - layer.padding[2]
    block = max(steps + out_h * out_w * (vector // lanes - 1), 9)
    assert channels % vector == 0 and in_h > 0
    return 12 + 9 + channels // vector * block + 17


@pytest.mark.parametrize(("name", "layers", "cycles"), [("kws", 4, 8344), ("vww", 13, 30505)])
def test_the_official_models_cost_what_the_formula_says(name: str, layers: int, cycles: int) -> None:
    network = read_tflite(official_model(name))
    found = [layer for layer in network.layers if isinstance(layer, DepthwiseConv2D)]
    totals = []
    for layer in found:
        plans = plan_depthwise(network, layer, BIG)
        assert not isinstance(plans, str), plans
        totals.append(plans[0].cycles().total)
        assert totals[-1] == formula(layer, network, 8, 4)
        assert plans[0].faults() == []
    assert (len(found), sum(totals)) == (layers, cycles)


def test_a_partial_last_block_takes_the_groups_it_has() -> None:
    network = depthwise((5, 5, 9), (3, 3), padding=(1, 1, 1, 1))
    plan = planned(network)
    steps = 5 * 5 + 5 + 2 - 1
    assert plan.cycles().total == 12 + 9 + (steps + 25) + steps + 17
    assert (plan.cycles().issue, plan.cycles().wait) == (2 * steps, 25)


def test_a_block_waits_for_the_next_ones_weights() -> None:
    plan = planned(depthwise((1, 1, 24), (1, 1)))
    assert plan.cycles().total == 12 + 9 + 9 + 9 + 2 + 17


def test_weights_lie_in_the_last_rows_and_columns_of_the_window() -> None:
    network = depthwise((4, 4, 3), (2, 1), seed=4)
    plan = planned(network, accelerator_of(2, 4, 2))
    kernel = plan.channels[0].weights.shape[1:3], network.layers[0].weights  # type: ignore[attr-defined]
    assert kernel[0] == (2, 1)
    image = plan.weight_image().reshape(2, 3, 3, 4)
    assert image[0, 1:, 2, :2].tolist() == kernel[1][:, 0, :2].tolist()
    assert image[1, 1:, 2, 0].tolist() == kernel[1][:, 0, 2].tolist()
    assert np.count_nonzero(image) == np.count_nonzero(kernel[1])


def multiplied() -> Network:
    network = depthwise((4, 4, 6), (3, 3))
    tensors = {**network.tensors, "x": replace(network.tensors["x"], shape=(4, 4, 3))}
    return Network("multiplied", tensors, (replace(network.layers[0], depth_multiplier=2),), "x", "y")  # type: ignore[call-arg]


def dilated() -> Network:
    network = depthwise((6, 6, 2), (3, 3))
    tensors = {**network.tensors, "y": replace(network.tensors["y"], shape=(2, 2, 2))}
    return Network("dilated", tensors, (replace(network.layers[0], dilation=(2, 2)),), "x", "y")  # type: ignore[call-arg]


REFUSED = {
    "a group for each channel, and its groups have 3": small_network(),
    "one output of each channel, and it has 2": multiplied(),
    "its dilation is 2x2": dilated(),
    "its 4x2 kernel is larger than depthwise.rows x depthwise.columns (3x3)": depthwise((6, 6, 2), (4, 2)),
    "its 1x4 kernel is larger than depthwise.rows x depthwise.columns (3x3)": depthwise((6, 6, 2), (1, 4)),
    "its rows of 97 pixels are longer than depthwise.line (96)": depthwise((1, 97, 1), (1, 1)),
    "its padding of 3, 0, 0 and 0 is no less than its 3x3 kernel": depthwise((4, 4, 1), (3, 3), padding=(3, 0, 0, 0)),
    "its padding of 0, 1, 0 and 0 is no less than its 1x1 kernel": depthwise((4, 4, 1), (1, 1), padding=(0, 1, 0, 0)),
    "its padding of 0, 0, 2 and 1 is no less than its 3x3 kernel": depthwise((4, 4, 1), (3, 3), padding=(0, 0, 2, 1)),
    "descriptor has no room for it: field 'y_step' holds 0 to 4095, not 4096": depthwise(
        (4097, 1, 1), (1, 1), (4096, 1)
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_refused(reason: str) -> None:
    network = REFUSED[reason]
    found = plan_depthwise(network, network.layers[0], BIG)
    assert isinstance(found, str)
    assert reason in found and "\n" not in found


def test_other_layers_are_refused() -> None:
    network = small_network()
    dense: Layer = network.layers[-1]
    assert plan_depthwise(network, dense, BIG) == "the depthwise engine does not run dense"
    assert isinstance(network.layers[0], Conv2D)
    assert plan_depthwise(network, dense, replace(BIG, depthwise=None)) == "there is no depthwise engine"


def test_faults_name_what_to_change() -> None:
    narrow = replace(BIG, arithmetic=ArithmeticParameters(weight_bits=7))
    assert planned(depthwise((4, 4, 9), (3, 3)), narrow).faults() == [
        "layer depthwise: its weights need 8 bits and arithmetic.weight_bits is 7; raise arithmetic.weight_bits to 8"
    ]
    without = replace(BIG, requantizer=RequantizerParameters(lanes=4, max_left_shift=0))
    (fault,) = planned(depthwise((4, 4, 9), (3, 3), scale=0.0002), without).faults()
    assert fault == (
        "layer depthwise: its scales need a shift to the left by 3 bits and the requantizer shifts by at most 0; "
        "raise requantizer.max_left_shift to 3"
    )
