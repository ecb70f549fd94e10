"""Conversion of fixed point against the vendors' own C++ types, every code of small formats: ap_fixed and ac_fixed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
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
FORMATS = 5
SIGNS = 4


class Conversion(NamedTuple):
    """One line of the program's output."""

    rounding: Rounding
    overflow: Overflow
    source: FixedFormat
    target: FixedFormat
    codes: list[int]


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The program of each family of types, compiled once, both at the same time."""
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
    yield {name: folder / name for name in TYPES}


def conversions(program: Path) -> list[Conversion]:
    """What the program printed."""
    output = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    found = []
    for line in output.splitlines():
        rounding, overflow, *numbers = line.split()
        source_signed, signed, width, fraction_bits, *codes = map(int, numbers)
        source, target = FixedFormat(7, bool(source_signed), 3), FixedFormat(width, bool(signed), fraction_bits)
        found.append(Conversion(Rounding(rounding), Overflow(overflow), source, target, codes))
    return found


@pytest.mark.parametrize("family", TYPES)
def test_every_code_converts_as_in_c(programs: dict[str, Path], family: str) -> None:
    found = conversions(programs[family])
    assert {c.rounding for c in found} == ROUNDINGS[family]
    assert {c.overflow for c in found} == set(Overflow)
    assert len(found) == len(ROUNDINGS[family]) * len(Overflow) * SIGNS * FORMATS
    for c in found:
        codes = np.arange(c.source.codes.min, c.source.codes.max + 1)
        ours = convert(codes, c.source, c.target, c.rounding, c.overflow)
        np.testing.assert_array_equal(ours, c.codes, err_msg=f"{c[:4]}")
