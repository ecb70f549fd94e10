"""The depthwise engine on random layers: every output, the cycle it is written in, and the layer's cycle count."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pytest

from hwq.arch import isa
from hwq.arch.accelerator import Accelerator
from hwq.arch.isa import Space
from hwq.arch.parameters import InputZeroPoint
from hwq.emulate.emulator import Emulator
from hwq.graph.network import Network
from hwq.schedule import images
from hwq.schedule.engines.depthwise import DepthwisePlan, plan_depthwise
from hwq.schedule.plans import Places
from tests.support.depthwise import accelerator_of, depthwise, random_accelerator, random_layer
from tests.support.on_chip import END, OnChip
from tests.support.planned import check_plans


def planned(network: Network, accelerator: Accelerator) -> DepthwisePlan:
    plans = plan_depthwise(network, network.layers[0], accelerator)
    assert not isinstance(plans, str), plans
    (plan,) = plans
    return plan


def check(
    network: Network,
    accelerator: Accelerator,
    choose: random.Random,
    monkeypatch: pytest.MonkeyPatch,
    choices: Sequence[int] = range(-128, 128),
) -> None:
    rng = np.random.default_rng(choose.randrange(1 << 32))
    codes = rng.choice(np.array(choices, np.int8), network.tensors["x"].shape)
    expected = Emulator(network).run_layer(network.layers[0], codes[None])[0]
    check_plans([planned(network, accelerator)], [codes], expected, choose, monkeypatch)


def check_random(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = random.Random(seed)
    accelerator = random_accelerator(choose)
    network = random_layer(choose, accelerator)
    check(network, accelerator, choose, monkeypatch, choose.choice([range(-128, 128)] * 2 + [(-128, 127), (-128,)]))


@pytest.mark.parametrize("seed", range(25))
def test_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check_random(seed, monkeypatch)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(25, 325))
def test_many_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    check_random(seed, monkeypatch)


SMALL = accelerator_of(4, 4, 2)
SAME = (1, 1, 1, 1)
EDGES = {
    "borders on all sides": (SMALL, depthwise((4, 5, 7), (3, 3), padding=SAME, zeros=(-128, 127))),
    "borders of two rows and columns": (SMALL, depthwise((3, 4, 4), (3, 3), padding=(2, 2, 2, 0), zeros=(127, -128))),
    "padding right only": (SMALL, depthwise((3, 4, 4), (3, 3), padding=(0, 2, 0, 2), zeros=(127, 0))),
    # A word of line memory is read in the step after the one that wrote it.
    "one pixel wide, a step a cycle": (accelerator_of(2, 2, 2), depthwise((9, 1, 3), (3, 1))),
    "one pixel wide": (SMALL, depthwise((6, 1, 6), (3, 3), padding=SAME)),
    "two pixels wide": (accelerator_of(2, 2, 2), depthwise((6, 2, 3), (3, 2))),
    "one pixel": (SMALL, depthwise((1, 1, 1), (3, 3), padding=SAME, zeros=(-128, -128))),
    # Blocks shorter than the load of the next one's weights.
    "blocks that wait for weights": (accelerator_of(2, 2, 2), depthwise((1, 2, 7), (1, 1))),
    "a small kernel in the window": (SMALL, depthwise((4, 4, 5), (2, 1), padding=(1, 0, 0, 0))),
    "a stride of two, odd size": (SMALL, depthwise((5, 7, 5), (3, 3), (2, 2), SAME)),
    "a stride beyond the image": (SMALL, depthwise((5, 3, 3), (3, 3), (7, 5), SAME)),
    "rows that fill the line memory": (SMALL, depthwise((3, 12, 3), (3, 3), padding=SAME)),
    "a group of channels each": (SMALL, depthwise((4, 4, 5), (3, 3), padding=SAME, grouped=True)),
    # Forms take turns: 255 * 128 * 16 where zero-points are subtracted, 128 * 128 * 9 where they are folded.
    "largest sums of 16 taps": (
        accelerator_of(2, 2, 1, (4, 4)),
        depthwise((5, 4, 2), (4, 4), extreme=True, zeros=(127, 0), scale=300.0),
    ),
    "largest sums of 9 taps": (SMALL, depthwise((3, 3, 2), (3, 3), extreme=True, zeros=(127, 0), scale=200.0)),
    "ten blocks": (SMALL, depthwise((2, 2, 40), (2, 2))),
}


@pytest.mark.parametrize(("edge", "form"), list(zip(EDGES, cycle(InputZeroPoint), strict=False)))
def test_edges(edge: str, form: InputZeroPoint, monkeypatch: pytest.MonkeyPatch) -> None:
    base, network = EDGES[edge]
    p = base.depthwise
    assert p is not None
    a = accelerator_of(base.array.rows, base.array.columns, base.lanes, (p.rows, p.columns), p.line, form)
    check(network, a, random.Random(edge), monkeypatch, (-128,) if edge.startswith("largest") else range(-128, 128))


def test_one_layer_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a layer leaves in window, line memory and counters is of no account to the next one."""
    networks = [
        # It ends in a column that the next one does not have.
        depthwise((4, 9, 7), (3, 3), (1, 2), (1, 1, 1, 0), zeros=(-128, 3), seed=1),
        depthwise((4, 4, 7), (2, 3), (1, 2), (0, 1, 1, 1), zeros=(3, 127), seed=2),
    ]
    rng = np.random.default_rng(3)
    codes = rng.integers(-128, 128, networks[0].tensors["x"].shape).astype(np.int8)
    bases, tensors = [0, 257, 390], [codes]
    weights: list[int] = []
    records: list[int] = []
    descriptors: list[int] = []
    written: dict[int, int] = {}
    cycles = 0
    for number, network in enumerate(networks):
        plan = planned(network, SMALL)
        places = Places(len(weights), len(records), (bases[number],), bases[number + 1])
        descriptors += isa.descriptor_words({"opcode": plan.opcode.value, **plan.descriptor(places)})
        weights += images.pack_words(plan.weight_image(), SMALL.array.columns, SMALL.weight.width)
        records += images.pack_records(SMALL, plan.records())
        tensors.append(Emulator(network).run_layer(network.layers[0], tensors[-1][None])[0])
        for element in range(tensors[-1].size):
            when = plan.output_cycle(element)
            assert when is not None
            written[places.output + element] = cycles + when
        cycles += plan.cycles().total
    memories = {
        Space.ACTIVATIONS: images.activation_words(SMALL, codes),
        Space.WEIGHTS: weights,
        Space.RECORDS: records,
        Space.DESCRIPTORS: descriptors + END,
    }
    chip = OnChip(SMALL, memories, cycles, (0, SMALL.activation_words), monkeypatch)
    for base, tensor in zip(bases, tensors, strict=True):
        assert chip.elements[base : base + tensor.size] == tensor.reshape(-1).tolist()
    assert (chip.cycles, chip.written) == (cycles, written)


@pytest.mark.proof
@pytest.mark.parametrize("form", InputZeroPoint)
def test_a_layer_of_the_keyword_spotting_model(form: InputZeroPoint, monkeypatch: pytest.MonkeyPatch) -> None:
    a = accelerator_of(8, 8, 4, line=96, form=form, activations=16384)
    check(depthwise((25, 5, 64), (3, 3), padding=SAME), a, random.Random(1), monkeypatch)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("last_groups", 1),
        ("last_lanes", -1),
        ("more_blocks", -1),
        ("more_down", -1),
        ("more_across", -1),
        ("y_start", -1),
        ("in_height", 1),
        ("column_start", 1),
        ("in_width", -1),
        ("y_step", 1),
        ("column_step", 1),
        ("first_gap", 1),
        ("row_gap", 1),
        ("low", 90),
        ("high", -90),
    ],
)
def test_every_field_counts(field: str, change: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Padding on all sides, two blocks, and the last one is not full.
    network = depthwise((3, 4, 5), (3, 3), padding=SAME)
    intact = DepthwisePlan.descriptor

    def changed(plan: DepthwisePlan, places: Places) -> dict[str, int]:
        fields = intact(plan, places)
        return {**fields, field: fields[field] + change}

    monkeypatch.setattr(DepthwisePlan, "descriptor", changed)
    with pytest.raises(AssertionError):
        check(network, SMALL, random.Random(5), monkeypatch)
