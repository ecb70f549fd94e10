"""The pooling engine on random layers: every output, the cycle it is written in, and the cycle counts of all plans."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.parameters import ArrayParameters, BufferParameters, RequantizerParameters
from hwq.emulate.emulator import Emulator
from hwq.graph.layers import PoolKind
from hwq.graph.network import Network
from hwq.schedule.engines.pooling import PoolingPlan, plan_pooling
from hwq.schedule.plans import Places
from tests.support.planned import check_plans
from tests.support.pooling import join, mean, pad, pool, random_accelerator, random_layer, requantize


def check(
    network: Network,
    accelerator: Accelerator,
    choose: random.Random,
    monkeypatch: pytest.MonkeyPatch,
    choices: Sequence[int] = (),
) -> None:
    layer = network.layers[0]
    plans = plan_pooling(network, layer, accelerator)
    assert not isinstance(plans, str)
    rng = np.random.default_rng(choose.randrange(1 << 32))
    # Sums reach their ends, and ties of averages occur, with codes at theirs.
    choices = choices or choose.choice([range(-128, 128), (-128, 127), (-128,), (127,), (-1, 0, 1)])
    inputs = [rng.choice(np.array(choices, np.int8), network.tensors[name].shape) for name in layer.inputs]
    expected = Emulator(network).run_layer(layer, *(codes[None] for codes in inputs))[0]
    check_plans(plans, inputs, expected, choose, monkeypatch)


@pytest.mark.parametrize("seed", range(25))
def test_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = random.Random(seed)
    check(random_layer(choose), random_accelerator(choose), choose, monkeypatch)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(25, 325))
def test_many_random_layers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choose = random.Random(seed)
    check(random_layer(choose), random_accelerator(choose), choose, monkeypatch)


def small(rows: int, lanes: int, elements: int = 512) -> Accelerator:
    """An accelerator whose array is no bigger than words of ``rows`` and as many lanes ask for."""
    return Accelerator(
        array=ArrayParameters(rows, lanes),
        requantizer=RequantizerParameters(lanes),
        buffers=BufferParameters(activations=elements, weights=64, channels=64, descriptors=4, accumulators=2),
        pooling=PoolingParameters(),
    )


EDGES = {
    "borders of every kind": pool(PoolKind.AVERAGE, (4, 5, 6), (3, 3), padding=(1, 2, 2, 1)),
    "a window larger than its input": pool(PoolKind.AVERAGE, (2, 3, 3), (4, 5), padding=(3, 2, 3, 3)),
    "strides beyond the window": pool(PoolKind.MAX, (7, 8, 3), (2, 1), stride=(3, 3), padding=(1, 0, 0, 0)),
    "one pixel, one channel": pool(PoolKind.AVERAGE, (1, 1, 1), (1, 1)),
    "fewer positions than groups": pool(PoolKind.MAX, (2, 3, 11), (1, 2)),
    "a mean of 306": mean((18, 17, 1), (0, 1), (0.1, 0.1), (0, 0)),
    "a mean over channels": mean((2, 3, 5), (2,), (0.1, 0.07), (-128, 127)),
    "padding on all sides": pad((2, 3, 6), ((1, 2), (3, 0), (0, 0)), 127),
    "padding of channels": pad((2, 2, 3), ((0, 0), (0, 0), (2, 1)), -128),
    "three joined": join([(2, 2, 3), (2, 2, 1), (2, 2, 6)], 2),
    "another scale": requantize((5, 7), (0.1, 0.013), (-128, 127)),
}


@pytest.mark.parametrize("codes", [(-128,), range(-128, 128)], ids=["lowest", "all"])
@pytest.mark.parametrize("edge", EDGES)
def test_edges(edge: str, codes: Sequence[int], monkeypatch: pytest.MonkeyPatch) -> None:
    check(EDGES[edge], small(5, 2), random.Random(edge), monkeypatch, codes)


@pytest.mark.proof
@pytest.mark.parametrize("codes", [(-128,), (127,)], ids=["lowest", "highest"])
def test_the_largest_window(codes: Sequence[int], monkeypatch: pytest.MonkeyPatch) -> None:
    network = pool(PoolKind.AVERAGE, (256, 256, 1), (256, 256))
    check(network, small(1, 1, 65600), random.Random(0), monkeypatch, codes)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("fill", 1),
        ("in_width", 1),
        ("in_height", 1),
        ("column_start", 1),
        ("y_start", 1),
        ("record_row_step", -1),
        ("record_column_step", -1),
        ("row_elements", 1),
        ("pixel_elements", 1),
        ("line_elements", 1),
        ("block_elements", 1),
        ("out_block_step", 1),
        ("last_groups", 1),
        ("last_lanes", -1),
        ("more_columns", -1),
        ("maximum", 1),
        ("unscaled", 1),
        ("high", -1),
    ],
)
def test_every_field_counts(field: str, change: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Columns and rows are missing on all sides, there are two blocks, and the last one is not full.
    network = pool(PoolKind.AVERAGE, (3, 4, 6), (2, 2), padding=(1, 1, 1, 1))
    intact = PoolingPlan.descriptor

    def changed(plan: PoolingPlan, places: Places) -> dict[str, int]:
        fields = intact(plan, places)
        return {**fields, field: fields[field] + change}

    choose = random.Random(5)
    check(network, small(4, 2), choose, monkeypatch)
    monkeypatch.setattr(PoolingPlan, "descriptor", changed)
    with pytest.raises(AssertionError):
        check(network, small(4, 2), choose, monkeypatch, (126, 127))
