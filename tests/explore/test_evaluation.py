"""The figures of a point are those that the emulator and the schedule give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwq.arch.accelerator import Accelerator
from hwq.config.document import Document, read_document
from hwq.config.project import check_project, load_project
from hwq.cost.area import area
from hwq.emulate import Emulator
from hwq.explore.evaluation import emulate, schedule
from hwq.frontends import load
from hwq.frontends.samples import open_samples
from hwq.graph.network import Network
from hwq.schedule.order import ordered_sums
from hwq.schedule.planning import with_engines
from tests.explore.sweeps import CONFIGS
from tests.support.models import official_model

FOLDER = CONFIGS / "projects"


def kws(**sections: dict[str, Any]) -> dict[str, Any]:
    official_model("kws")
    values = read_document(FOLDER / "kws_8x8.yaml").values
    for section, keys in sections.items():
        inner = values[section]
        assert isinstance(inner, dict)
        inner.update(keys)
    return values


def network_and_accelerator() -> tuple[Network, Accelerator, tuple[str, ...]]:
    project = load_project(FOLDER / "kws_8x8.yaml")
    return load(project.model), project.accelerator, project.auto


def test_the_schedule_of_keyword_spotting() -> None:
    found = schedule(kws(), FOLDER)
    arithmetic = found.pop("arithmetic")
    costs = found.pop("costs")
    assert costs["area"]["ecp5"] == area(with_engines(*network_and_accelerator()), "ecp5")
    # 49 x 10 codes in, 12 out.
    assert costs["transferred"] == 502 * 8
    assert costs["energy"]["products"] > costs["energy"]["taps"] > 0
    assert found.pop("utilization") == 2_656_768 / (52_444 * 64)
    assert found == {
        "cycles": 52_444,
        "multipliers": 64,
        # Activations, weights, 1024 records of 69 bits, 16 descriptors, two banks of 64 pixels of 8 sums of 24 bits,
        # and two rows of 96 pixels of 8 codes in the depthwise engine.
        "memory": 16384 + 32768 + 1024 * 69 // 8 + 16 * 80 + 2 * 64 * 8 * 3 + 2 * 96 * 8,
        "memory_used": found["memory_used"],
        "host_layers": 1,
    }
    assert found["memory_used"] < found["memory"]
    assert arithmetic == "('double', [])"


def test_samples_and_labels_of_keyword_spotting() -> None:
    assert emulate(kws(), FOLDER, None) == {
        "accuracy": 543 / 600,
        "agreement": 1.0,
        "overflows": 0,
        "samples": 600,
    }
    network = load(official_model("kws"))
    data = open_samples(load_project(FOLDER / "kws_8x8.yaml").data_path or Path(), network)
    answers = Emulator(network).run(next(data.pieces(lambda: 50))).reshape(50, -1).argmax(axis=1)
    assert data.labels is not None
    assert emulate(kws(), FOLDER, 50)["accuracy"] == np.count_nonzero(answers == data.labels[:50]) / 50


def test_without_data_the_inputs_are_random_and_have_no_labels() -> None:
    values = kws()
    del values["data"]
    assert emulate(values, FOLDER, None) == {"accuracy": None, "agreement": 1.0, "overflows": 0, "samples": 100}


@pytest.mark.parametrize("overflow", ["wrap", "saturate"])
def test_sums_that_leave_their_width_are_the_accelerators_own(overflow: str) -> None:
    narrow = {"accumulator_bits": 14, "overflow": overflow}
    values = kws(arithmetic=narrow)
    found = emulate(values, FOLDER, 40)
    network = load(official_model("kws"))
    project = load_project(FOLDER / "kws_8x8.yaml")
    values_project = check_project(Document(FOLDER / "p.yaml", values, {}))
    accelerator = with_engines(network, values_project.accelerator, values_project.auto)
    emulator = Emulator(network, sums=ordered_sums(network, accelerator), count=True)
    x = next(open_samples(project.data_path or Path(), network).pieces(lambda: 40))
    answers = emulator.run(x).reshape(40, -1).argmax(axis=1)
    exact = Emulator(network).run(x).reshape(40, -1).argmax(axis=1)
    assert found["agreement"] == np.count_nonzero(answers == exact) / 40 < 1
    events = emulator.overflows.values()
    assert any(event.output.any() for event in events)
    assert (
        found["overflows"] == sum(int(sums.sum()) for event in events for sums in (event.psum, event.accumulator)) > 0
    )


def test_arithmetic_is_the_same_where_the_outputs_must_be() -> None:
    def arithmetic(rows: int, **keys: Any) -> Any:
        return schedule(kws(array={"rows": rows}, arithmetic=keys), FOLDER)["arithmetic"]

    # Exact: neither array nor width matters, and what cannot overflow is exact.
    exact = arithmetic(8)
    assert exact == arithmetic(4, accumulator_bits=32) == arithmetic(4, accumulator_bits=21, overflow="wrap")
    # Order matters where sums are fitted.
    narrow = [arithmetic(rows, accumulator_bits=14, overflow="saturate") for rows in (4, 8)]
    assert len({exact, *narrow, arithmetic(8, accumulator_bits=14, overflow="wrap")}) == 4


def test_what_hardware_alone_does_has_outputs_of_its_own() -> None:
    """Truncated products, contracts with widths and roundings, outputs that wrap: where overflow is refused, too."""
    choices: list[dict[str, Any]] = [
        {},
        {"arithmetic": {"truncate": {"bits": 4}}},
        {"arithmetic": {"contract": "plain"}, "requantizer": {"multiplier_bits": 4}},
        {"arithmetic": {"contract": "plain"}, "requantizer": {"multiplier_bits": 5}},
        {"requantizer": {"output_overflow": "wrap"}},
    ]
    assert len({schedule(kws(**choice), FOLDER)["arithmetic"] for choice in choices}) == len(choices)
    values = kws(arithmetic={"contract": "plain"}, requantizer={"multiplier_bits": 3})
    found = emulate(values, FOLDER, 40)
    network = load(official_model("kws"))
    project = check_project(Document(FOLDER / "p.yaml", values, {}))
    accelerator = with_engines(network, project.accelerator, project.auto)
    x = next(open_samples(project.data_path or Path(), network).pieces(lambda: 40))
    emulator = Emulator(network, project.accelerator.arithmetic.contract, sums=ordered_sums(network, accelerator))
    answers, exact = (e.run(x).reshape(40, -1).argmax(axis=1) for e in (emulator, Emulator(network)))
    assert found["agreement"] == np.count_nonzero(answers == exact) / 40 < 1
