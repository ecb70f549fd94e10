"""Rounding and overflow against the C++ types they come from: every code, every mode, both signs."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hwq.numeric.fixed import convert
from hwq.numeric.formats import FixedFormat, IntFormat
from hwq.numeric.overflow import Overflow, fit
from hwq.numeric.rounding import Rounding, shift_right

SOURCE = Path(__file__).with_name("headers.cpp")

#: Lines of a program's output by the first two words of them, the modes.
Lines = dict[tuple[str, str], list[tuple[list[int], list[int]]]]


def _unavailable(what: str) -> None:
    """Without the oracle the test fails in CI and is skipped elsewhere."""
    message = f"{what} is missing: the C++ types cannot be compiled"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@cache
def _headers() -> Path | None:
    found = importlib.util.find_spec("hls4ml")
    return Path(found.origin).parent / "templates" if found and found.origin else None


def _run(folder: Path, include: str, *options: str) -> Lines:
    compiler = shutil.which("g++")
    headers = _headers()
    if compiler is None:
        _unavailable("g++")
    if headers is None:
        _unavailable("hls4ml")
    program = folder / "headers"
    command = [compiler, "-std=c++17", "-O0", "-w", *options, f"-I{headers / include}", str(SOURCE), "-o", str(program)]
    subprocess.run(command, check=True, timeout=300)
    lines: Lines = {}
    for line in subprocess.run([program], check=True, capture_output=True, text=True, timeout=60).stdout.splitlines():
        setup, codes = line.split(" :")
        rounding, overflow, *numbers = setup.split()
        lines.setdefault((rounding, overflow), []).append(([int(n) for n in numbers], [int(c) for c in codes.split()]))
    return lines


@pytest.fixture(scope="module")
def ap_fixed(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """AMD's."""
    return _run(tmp_path_factory.mktemp("ap_fixed"), "vivado/ap_types")


@pytest.fixture(scope="module")
def ac_fixed(tmp_path_factory: pytest.TempPathFactory) -> Lines:
    """Siemens'."""
    return _run(tmp_path_factory.mktemp("ac_fixed"), "catapult/ac_types/include", "-DAC")


def _cases(lines: Lines, rounding: Rounding, overflow: Overflow) -> Iterator[tuple[list[int], list[int]]]:
    cases = lines[(rounding.value, overflow.value)]
    assert len(cases) == 16, "four formats, each from and to signed and unsigned"
    yield from cases


def _check(lines: Lines, rounding: Rounding, overflow: Overflow) -> None:
    for (source_signed, target_signed, width, target_width, dropped), expected in _cases(lines, rounding, overflow):
        source = FixedFormat(width, bool(source_signed), 0)
        target = FixedFormat(target_width, bool(target_signed), -dropped)
        codes = np.arange(source.codes.min, source.codes.max + 1)
        assert len(expected) == 1 << width
        found = convert(codes, source, target, rounding, overflow)
        assert found.tolist() == expected, (source, target)
        if dropped < 0:
            continue
        into = IntFormat(target_width, bool(target_signed))
        assert fit(shift_right(codes, dropped, rounding), into, overflow).tolist() == expected
        assert [fit(shift_right(int(code), dropped, rounding), into, overflow) for code in codes] == expected


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("rounding", [mode for mode in Rounding if mode is not Rounding.HALF_ODD])
def test_ap_fixed(ap_fixed: Lines, rounding: Rounding, overflow: Overflow) -> None:
    _check(ap_fixed, rounding, overflow)


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("rounding", Rounding)
def test_ac_fixed(ac_fixed: Lines, rounding: Rounding, overflow: Overflow) -> None:
    _check(ac_fixed, rounding, overflow)


def test_every_pair_of_modes_differs(ac_fixed: Lines) -> None:
    """The sources hold values that tell each mode from each other one: a mode cannot stand in for its neighbor."""
    assert len(ac_fixed) == len(Rounding) * len(Overflow)
    tables = [str([expected for _, expected in cases]) for cases in ac_fixed.values()]
    assert len(set(tables)) == len(tables)
