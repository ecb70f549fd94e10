"""Devices that come with hwq load, and every fault of a file is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.cost.device import DEVICES, RESOURCES, device_names, load_device, read_device
from hwq.errors import ConfigError
from hwq.synth.targets import TARGETS, TargetName
from tests.explore.sweeps import CONFIGS

GOOD = (DEVICES / "ecp5-25k.yaml").read_text(encoding="utf-8")


def test_every_device_loads() -> None:
    assert device_names() == (
        "artix7-100t",
        "artix7-35t",
        "ecp5-25k",
        "ecp5-45k",
        "ecp5-85k",
        "ice40up5k",
        "zynq-7020",
        "zynqup-zu3eg",
    )
    for name in device_names():
        device = load_device(name)
        assert device.name == name and tuple(device.limits) == RESOURCES and min(device.limits.values()) > 0
        assert device == read_device(CONFIGS / "devices" / f"{name}.yaml")


@pytest.mark.parametrize(
    ("name", "target"), [("artix7-100t", TargetName.XILINX7), ("zynqup-zu3eg", TargetName.XILINXUP)]
)
def test_limits_are_those_of_synthesis(name: str, target: TargetName) -> None:
    device, there = load_device(name), TARGETS[target]
    assert device.part == there.device
    assert device.limits == {key: resource.available for key, resource in there.resources.items()}


@pytest.mark.parametrize("size", ["25", "45", "85"])
def test_parts_are_those_of_synthesis(size: str) -> None:
    assert load_device(f"ecp5-{size}k").part == TARGETS[TargetName(f"ecp5-{size}k")].device


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD.replace("clock_mhz: 50", "clock_mhz: 62.5"), encoding="utf-8")
    device = load_device(str(path))
    assert (device.name, device.clock_mhz) == ("mine", 62.5)


def test_every_fault_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    text = GOOD.replace("family: ecp5", "family: stratix").replace("dsp: 28", "dsp: many").replace("volts:", "volt:")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        read_device(path)
    assert {(where, what) for where, what in raised.value.faults} == {
        ("volt", "unknown key; did you mean volts?"),
        ("family", "no area model of 'stratix'; valid are ecp5, ice40, xilinx7"),
        ("limits.dsp", "must be a whole number, not 'many'"),
        ("", "volts is required"),
    }
    path.write_text("part: x\nlimits: 3\nclock_mhz: fast\n", encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        read_device(path)
    texts = [f"{where}: {what}" for where, what in raised.value.faults]
    assert "limits: limits is required, a mapping of lut, ff, bram, dsp to numbers" in texts
    assert "clock_mhz: must be a number from 0.001 to 100000, not 'fast'" in texts
    assert ": family is required" in texts


def test_unknown_names() -> None:
    with pytest.raises(ConfigError, match=r"no device 'ecp5-25' \(nor the path of a .yaml\); did you mean ecp5-25k"):
        load_device("ecp5-25")
    with pytest.raises(ConfigError, match="no such file"):
        load_device("nowhere/ecp5-25k.yaml")
