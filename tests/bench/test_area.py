"""The area model is the fit of the committed measurements, and as far off where it was not fitted as the guide says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hwq.config.project import load_project
from hwq.cost.area import FITTED, area, term_prices
from hwq.errors import ToolError
from hwq.export.verilog import TOP, emit_verilog
from hwq.frontends import load
from hwq.schedule.planning import with_engines
from hwq.synth.synthesis import count_cells
from hwq.synth.targets import TARGETS
from hwq.toolchain.yosys import find_mapper
from tests.bench.area import FAMILIES, accelerator_of, is_held_out, read_table, values
from tests.bench.fit_area import errors, fit, summary
from tests.explore.sweeps import CONFIGS
from tests.support.models import official_model

TABLE = list(read_table())
GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "devices.md").read_text(encoding="utf-8")


def held_out(family: str) -> dict[str, list[float]]:
    return errors([m for m in TABLE if m.family == family and is_held_out(m.point)])


@pytest.mark.parametrize("family", FAMILIES)
def test_prices_are_those_that_fit(family: str) -> None:
    fitted = [m for m in TABLE if m.family == family and not is_held_out(m.point)]
    found = {resource: fit(family, resource, fitted) for resource in FITTED}
    for resource, prices in found.items():
        assert term_prices()[family][resource] == pytest.approx(prices, rel=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_memories_and_multipliers_are_exact(family: str) -> None:
    found = errors([m for m in TABLE if m.family == family])
    assert set(found["bram"]) == set(found["dsp"]) == {0}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_guide_says_how_far_off_it_is(family: str) -> None:
    found = held_out(family)
    for resource in FITTED:
        median, worst = summary(found[resource])
        assert median < 0.05 and worst < 0.15
        row = rf"^\| {family} \| `{resource}` \| {len(found[resource])} \| {median:.1%} \| {worst:.1%} \|$"
        assert re.search(row, GUIDE, re.MULTILINE), row


def test_points_are_those_that_were_measured() -> None:
    assert all(m.keys == values(m.point) for m in TABLE)
    assert {m.family for m in TABLE} == set(FAMILIES)


@pytest.mark.proof
@pytest.mark.parametrize("family", FAMILIES)
def test_yosys_still_counts_what_the_table_says(family: str) -> None:
    try:
        find_mapper()
    except ToolError as error:
        pytest.skip(str(error))
    smallest = next(m for m in TABLE if m.family == family and m.point == 2)
    found = count_cells(emit_verilog(accelerator_of(smallest.keys)), TOP, TARGETS[FAMILIES[family]])
    assert errors([type(smallest)(2, family, smallest.keys, found.cells)])["lut"][0] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("name", ["kws_8x8", "ic_16x16"])
def test_the_guide_shows_what_is_modelled_of_shipped_projects(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_MLPERF_TINY", str(official_model(name.partition("_")[0]).parent))
    project = load_project(CONFIGS / "projects" / f"{name}.yaml")
    found = area(with_engines(load(project.model), project.accelerator, project.auto), "ecp5")
    row = rf"^\| `{name}` \| " + r" \| ".join(rf"{count:,}; ([\d,]+)" for count in found.values()) + r" \|$"
    seen = re.search(row, GUIDE, re.MULTILINE)
    assert seen, row
    assert all(abs(a / int(b.replace(",", "")) - 1) < 0.05 for a, b in zip(found.values(), seen.groups(), strict=True))
