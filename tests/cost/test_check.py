"""Figures of a check follow from cycles, counts and the device's file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hwq.cost.area import area
from hwq.cost.check import Conditions, Figure, check, energy_on, table_energy, transfer_bits
from hwq.cost.counts import count_run, total
from hwq.cost.device import Device, load_device
from hwq.cost.energy import energy
from hwq.cost.memories import footprint
from hwq.schedule.program import Program
from hwq.verify.design import lower_design
from tests.support.every_engine import ACCELERATOR, every_engine_network

DEVICE = load_device("ecp5-85k")


def program() -> Program:
    return lower_design(every_engine_network(), ACCELERATOR).program


def test_figures() -> None:
    lowered = program()
    assert lowered.network is not None
    cycles = lowered.network.predicted_cycles
    found = check(lowered, DEVICE, Conditions(20.0, 40.0, 1.0))
    values = {figure.name: figure.value for figure in found.figures}
    seconds = cycles / 20e6
    joules = sum(found.energy.values()) / 1e6
    assert found.cycles == cycles
    assert values["latency"] == pytest.approx(seconds * 1e3)
    assert values["throughput"] == pytest.approx(1 / seconds)
    # An image of 9 x 7 x 3 codes in, 5 out.
    assert transfer_bits(lowered) == (189 + 5) * 8
    assert values["bandwidth"] == pytest.approx(194 / seconds / 1e6)
    assert values["memory"] == footprint(ACCELERATOR)
    assert values["energy"] == pytest.approx(joules * 1e6)
    assert values["dynamic power"] == pytest.approx(joules / seconds * 1e3)
    assert values["static power"] == pytest.approx(DEVICE.static_watts * 1e3)
    watts = DEVICE.static_watts + joules / seconds
    assert values["junction temperature"] == pytest.approx(40 + watts * DEVICE.thermal_resistance)
    for name, used in area(ACCELERATOR, "ecp5").items():
        figure = next(figure for figure in found.figures if figure.name == name)
        assert (figure.value, figure.limit) == (used, DEVICE.limits[name])
    assert found.passed


def test_energy_grows_with_process_and_voltage() -> None:
    lowered = program()
    assert lowered.network is not None
    table = table_energy(lowered)
    assert table == energy(total([count_run(lowered.network)]), ACCELERATOR)
    like_the_table = replace(DEVICE, process_nm=45.0, volts=0.9)
    base = energy_on(like_the_table, table, 640)
    assert base["products"] == pytest.approx(table["products"] * 14 / 1e6)
    assert base["external"] == pytest.approx(10 * 1950 / 1e6)
    half: Device = replace(like_the_table, process_nm=22.5, volts=1.8)
    assert energy_on(half, table, 640)["products"] == pytest.approx(base["products"] * 2)


@pytest.mark.parametrize(
    ("conditions", "name"),
    [(Conditions(50.0, 25.0, 1e-6), "latency"), (Conditions(50.0, 84.9), "junction temperature")],
)
def test_what_is_beyond_its_limit_fails(conditions: Conditions, name: str) -> None:
    found = check(program(), DEVICE, conditions)
    assert [figure.name for figure in found.figures if not figure.good] == [name]
    assert not found.passed


def test_what_a_device_has_too_few_of_fails() -> None:
    small = replace(DEVICE, limits={**DEVICE.limits, "dsp": 3})
    found = check(program(), small, Conditions(50.0, 25.0))
    assert [figure.name for figure in found.figures if not figure.good] == ["dsp"]


def test_margins() -> None:
    assert Figure("a", 3.0, "", 4.0).margin == 0.25
    assert Figure("a", 6.0, "", 4.0).margin == -0.5
    assert Figure("a", 4.0, "", 4.0).good
    assert Figure("a", 4.0, "").margin is None and Figure("a", 4.0, "").good
    assert Figure("a", 1.0, "", 0.0).margin is None and not Figure("a", 1.0, "", 0.0).good
