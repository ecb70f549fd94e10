"""Device files: what a part has and takes, by name or by path; every fault of a file at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hwq.config.document import Document, read_document
from hwq.config.faults import config_error, nearest
from hwq.errors import ConfigError

DEVICES = Path(__file__).with_name("devices")
"""Where those are that hwq brings."""

FAMILIES = ("ecp5", "ice40", "xilinx7")
"""Families that there is an area model of."""

RESOURCES = ("lut", "ff", "bram", "dsp")
"""What a device has a number of."""

_TEXTS = ("part", "family")

#: Numbers, with the least and the most that is taken.
_NUMBERS: Mapping[str, tuple[float, float]] = {
    "clock_mhz": (0.001, 100_000.0),
    "process_nm": (1.0, 1000.0),
    "volts": (0.1, 10.0),
    "static_watts": (0.0, 1000.0),
    "thermal_resistance": (0.0, 1000.0),
    "ambient_celsius": (-100.0, 200.0),
    "junction_celsius": (-100.0, 300.0),
    "external_picojoules": (0.0, 1e9),
}
_KEYS = (*_TEXTS, "limits", *_NUMBERS)
_MOST = 1 << 40


@dataclass(frozen=True)
class Device:
    """A part.

    Parameters
    ----------
    name:
        The file's, without suffix.
    part:
        What its maker calls it.
    family:
        Whose area model counts.
    limits:
        How many it has of each of `RESOURCES`.
    clock_mhz:
        Where nobody says another.
    process_nm, volts:
        What its logic is made in and fed with: energy grows with one and with the square of the other.
    static_watts:
        What it takes at rest.
    thermal_resistance:
        From junction to ambient, in K/W.
    ambient_celsius, junction_celsius:
        Around it where nobody says otherwise, and the most that its junction may have.
    external_picojoules:
        What 64 bits in or out take.
    """

    name: str
    part: str
    family: str
    limits: Mapping[str, int]
    clock_mhz: float
    process_nm: float
    volts: float
    static_watts: float
    thermal_resistance: float
    ambient_celsius: float
    junction_celsius: float
    external_picojoules: float


def device_names() -> tuple[str, ...]:
    """Devices that hwq brings."""
    return tuple(sorted(path.stem for path in DEVICES.glob("*.yaml")))


def load_device(given: str) -> Device:
    """A device that hwq brings, by its name, or one of a file, by its path.

    Raises
    ------
    ConfigError
        There is none of that name, or the file has faults, all of which the message tells.
    """
    if given in device_names():
        return read_device(DEVICES / f"{given}.yaml")
    path = Path(given)
    if path.suffix not in (".yaml", ".yml") and path.name == given:
        raise ConfigError(f"no device {given!r} (nor the path of a .yaml); {nearest(given, device_names())}")
    return read_device(path)


def read_device(path: Path) -> Device:
    """The device in a file.

    Raises
    ------
    ConfigError
        Every fault of the file, each with its line.
    """
    document = read_document(path)
    for key in document.values:
        if key not in _KEYS:
            document.fault((key,), f"unknown key; {nearest(key, _KEYS)}")
    texts = {key: _text(document, key) for key in _TEXTS}
    limits = _limits(document)
    numbers = {key: _number(document, key, *bounds) for key, bounds in _NUMBERS.items()}
    if document.faults:
        raise config_error(path, document.faults)
    return Device(path.stem, texts["part"], texts["family"], limits, **numbers)


def _text(document: Document, key: str) -> str:
    value = document.values.get(key)
    if key not in document.values:
        document.fault((), f"{key} is required")
    elif not isinstance(value, str) or not value.isprintable():
        document.fault((key,), f"must be text, not {value!r}")
    elif key == "family" and value not in FAMILIES:
        document.fault((key,), f"no area model of {value!r}; valid are {', '.join(FAMILIES)}")
    else:
        return value
    return ""


def _limits(document: Document) -> dict[str, int]:
    values = document.values.get("limits")
    if not isinstance(values, dict):
        key = ("limits",) if "limits" in document.values else ()
        document.fault(key, f"limits is required, a mapping of {', '.join(RESOURCES)} to numbers")
        return {}
    for name in values:
        if name not in RESOURCES:
            document.fault(("limits", name), f"unknown key; {nearest(name, RESOURCES)}")
    found = {}
    for name in RESOURCES:
        value = values.get(name)
        if name not in values:
            document.fault(("limits",), f"{name} is required")
        elif not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
            document.fault(("limits", name), f"must be a whole number, not {value!r}")
        else:
            found[name] = value
    return found


def _number(document: Document, key: str, least: float, most: float) -> float:
    value = document.values.get(key)
    if key not in document.values:
        document.fault((), f"{key} is required")
    elif isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        document.fault((key,), f"must be a number from {least:g} to {most:g}, not {value!r}")
    else:
        return float(value)
    return 0.0
