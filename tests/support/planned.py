"""Plans of a layer run on chip, wherever their parts lie."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from hwq.arch import isa
from hwq.arch.isa import Space
from hwq.schedule import images
from hwq.schedule.plans import Places, Plan
from tests.support.on_chip import END, OnChip


def check_plans(
    plans: Sequence[Plan],
    inputs: Sequence[np.ndarray],
    expected: np.ndarray,
    choose: random.Random,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Run ``plans`` by one START: every code, every cycle and nothing else written.

    Everything lies at places of ``choose``, tensors at any element, and memories hold other codes beside the inputs. An
    input that is given twice lies in one place.
    """
    a = plans[0].accelerator
    assert not [fault for plan in plans for fault in plan.faults()]
    space = a.word * a.activation_words
    elements = [choose.randint(-128, 127) for _ in range(space)]
    bases, free = [], choose.randint(0, 9)
    for number, codes in enumerate(inputs):
        earlier = next((base for base, other in zip(bases, inputs[:number], strict=True) if other is codes), None)
        bases.append(free if earlier is None else earlier)
        if earlier is not None:
            continue
        elements[free : free + codes.size] = codes.reshape(-1).tolist()
        free += codes.size + choose.randint(0, 9)
    assert free + expected.size <= space, "the layer does not fit"
    output = choose.randint(free, space - expected.size)
    weights = [choose.randrange(1 << a.word_bits[Space.WEIGHTS]) for _ in range(choose.randint(0, 3))]
    records: list[int] = [0] * choose.randint(0, 3)
    descriptors = []
    for plan in plans:
        places = Places(len(weights), len(records), tuple(bases), output)
        descriptors += isa.descriptor_words({"opcode": plan.opcode.value, **plan.descriptor(places)})
        assert plan.weight_image().shape == (plan.weight_words, a.array.columns)
        weights += images.pack_words(plan.weight_image(), a.array.columns, a.weight.width)
        records += images.pack_records(a, plan.records())
    assert len(records) <= a.record_words and len(weights) <= a.weight_words
    memories = {
        Space.ACTIVATIONS: images.activation_words(a, np.array(elements)),
        Space.WEIGHTS: weights,
        Space.RECORDS: records,
        Space.DESCRIPTORS: descriptors + END,
    }
    totals = [plan.cycles().total for plan in plans]
    chip = OnChip(a, memories, sum(totals), (0, a.activation_words), monkeypatch)
    codes = expected.reshape(-1).tolist()
    assert chip.elements[output : output + len(codes)] == codes
    assert (
        chip.elements[:output] + chip.elements[output + len(codes) :]
        == elements[:output] + elements[output + len(codes) :]
    )
    assert chip.cycles == sum(totals)
    written = {}
    before = 0
    for plan, total in zip(plans, totals, strict=True):
        for element in range(len(codes)):
            cycle = plan.output_cycle(element)
            if cycle is not None:
                assert element not in written
                written[element] = before + cycle
        before += total
    assert chip.written == {output + element: cycle for element, cycle in written.items()}
    assert len(written) == len(codes)
