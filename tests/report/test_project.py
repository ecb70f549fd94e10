"""The report of a project says what gen, verify and certify say."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.certify.certificate import certify
from hwq.cli.projects import ProjectDesign, open_design
from hwq.emulate import Emulator
from hwq.explore.evaluation import schedule
from hwq.numeric.requantize import Contract
from hwq.report.project import project_data, project_report
from hwq.schedule.losses import CAUSES
from hwq.schedule.order import ordered_sums
from tests.report.test_page import embedded
from tests.support.models import official_model

PROJECTS = Path(__file__).parents[2] / "configs" / "projects"


@pytest.fixture(scope="module")
def kws() -> ProjectDesign:
    official_model("kws")
    return open_design(PROJECTS / "kws_8x8.yaml")


def test_cycles_are_those_of_the_schedule_to_the_last_one(kws: ProjectDesign) -> None:
    data = project_data(kws.project, kws.design)
    layers = {layer["name"]: layer for layer in data["layers"]}
    for run in kws.design.program.layers:
        layer = layers.pop(run.name)
        assert (layer["cycles"], layer["macs"]) == (run.predicted_cycles, run.macs)
        assert {**dict.fromkeys(CAUSES, 0), **layer["causes"]} == run.causes
        assert sum(layer["causes"].values()) == layer["cycles"]
        assert layer["utilization"] == (run.utilization if run.macs else None)
        assert layer["place"] == run.steps[0].engine
    assert [(layer["place"], layer["cycles"], layer["reason"]) for layer in layers.values()] == [
        ("host", None, "no engine runs softmax")
    ]
    assert data["whole"] and data["causes"] == CAUSES


def test_figures_are_those_of_a_sweep(kws: ProjectDesign) -> None:
    data = project_data(kws.project, kws.design)
    values = {"model": str(kws.project.model), "arithmetic": {"accumulator_bits": 24}, "requantizer": {"lanes": 4}}
    sizes = {"activations": 16384, "weights": 32768, "channels": 1024, "descriptors": 16, "accumulators": 64}
    figures = schedule({**values, "buffers": sizes, "array": {"rows": 8, "columns": 8}}, Path())
    del figures["arithmetic"], figures["costs"]
    latency = data["figures"].pop("latency")["value"]
    assert {name: figure["value"] for name, figure in data["figures"].items()} == figures
    assert latency == figures["cycles"] / 100_000
    assert sum(memory["bytes"] for memory in data["memories"]) == figures["memory"]
    assert sum(memory["used"] or 0 for memory in data["memories"]) == figures["memory_used"]


def test_the_certificate_is_that_of_certify(kws: ProjectDesign) -> None:
    network, accelerator = kws.design.network, kws.design.program.accelerator
    found = certify(network, ordered_sums(network, accelerator), Emulator(network, Contract.DOUBLE))
    assert [
        (row["name"], row["accumulator"], row["accumulator_width"], row["psum"], row["any_order"], row["safe"])
        for row in project_data(kws.project, kws.design)["certificate"]
    ] == [
        (one.layer.name, one.accumulator.reach.bits, 24, one.psum and one.psum.reach.bits, one.any_order_bits, one.safe)
        for one in found
    ]


def test_arithmetic_has_every_key_and_the_project_is_the_file(kws: ProjectDesign) -> None:
    data = project_data(kws.project, kws.design)
    shown = {"contract": "double", "input_zero_point": "folded", "psum_bits": None, "accumulator_bits": 24}
    assert shown.items() <= data["arithmetic"].items()
    assert "truncate.bits" in data["arithmetic"]
    assert data["yaml"] == (PROJECTS / "kws_8x8.yaml").read_text(encoding="utf-8")


def test_the_page_holds_them_and_is_always_the_same(kws: ProjectDesign) -> None:
    page = project_report(kws.project, kws.design)
    assert page == project_report(kws.project, kws.design)
    assert embedded(page) == project_data(kws.project, kws.design)
    assert str(kws.project.model.parent) not in page
