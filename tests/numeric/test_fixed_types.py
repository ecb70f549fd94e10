"""Conversion of fixed point against the vendors' own C++ types, every code of small formats: ap_fixed and ac_fixed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import hls4ml
import numpy as np
import pytest

from hwq.numeric.fixed import convert
from hwq.numeric.formats import FixedFormat
from hwq.numeric.overflow import Overflow
from hwq.numeric.rounding import Rounding

HEADERS = Path(hls4ml.__file__).parent / "templates"
TYPES = {
    "ap_fixed": ["-DAMD", f"-I{HEADERS / 'vivado' / 'ap_types'}"],
    "ac_fixed": [f"-I{HEADERS / 'catapult' / 'ac_types' / 'include'}"],
}
#: ap_fixed has no rounding of halves to odd.
ROUNDINGS = {"ap_fixed": set(Rounding) - {Rounding.HALF_ODD}, "ac_fixed": set(Rounding)}
FORMATS = 3
SIGNS = 4


class Conversion(NamedTuple):
    """One line of the program's output: formats, and the target code of each source code."""

    source: FixedFormat
    target: FixedFormat
    codes: list[int]


Conversions = dict[tuple[Rounding, Overflow], list[Conversion]]


@pytest.fixture(scope="session")
def conversions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Conversions]:
    """Output of each family's program; both are compiled once, at the same time."""
    compiler = shutil.which("g++")
    if compiler is None:
        message = "g++ is missing: install it to compare with the C++ types"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    folder = tmp_path_factory.mktemp("fixed_types")
    source = Path(__file__).with_name("fixed_types.cpp")
    builds = {
        name: subprocess.Popen([compiler, "-w", "-O0", *options, str(source), "-o", str(folder / name)])
        for name, options in TYPES.items()
    }
    assert {name: build.wait() for name, build in builds.items()} == dict.fromkeys(TYPES, 0)
    return {name: _read(folder / name) for name in TYPES}


def _read(program: Path) -> Conversions:
    output = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    found: Conversions = {}
    for line in output.splitlines():
        rounding, overflow, *numbers = line.split()
        source_signed, signed, width, fraction_bits, *codes = map(int, numbers)
        source, target = FixedFormat(7, bool(source_signed), 3), FixedFormat(width, bool(signed), fraction_bits)
        found.setdefault((Rounding(rounding), Overflow(overflow)), []).append(Conversion(source, target, codes))
    return found


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize(
    ("family", "rounding"),
    [(family, rounding) for family in TYPES for rounding in Rounding if rounding in ROUNDINGS[family]],
)
def test_every_code_converts_as_in_c(
    conversions: dict[str, Conversions], family: str, rounding: Rounding, overflow: Overflow
) -> None:
    found = conversions[family][rounding, overflow]
    assert len(found) == SIGNS * FORMATS
    for source, target, expected in found:
        codes = np.arange(source.codes.min, source.codes.max + 1)
        assert convert(codes, source, target, rounding, overflow).tolist() == expected, (source, target)


def test_the_formats_tell_all_modes_apart(conversions: dict[str, Conversions]) -> None:
    found = conversions["ac_fixed"]
    assert len(found) == len(Rounding) * len(Overflow)
    assert len({str(lines) for lines in found.values()}) == len(found)
