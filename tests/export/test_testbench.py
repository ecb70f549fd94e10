"""The plain-Verilog testbench, run by simulators that know nothing of Python; it passes, and it can fail."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hwq.errors import ToolError
from hwq.schedule.runs import WHOLE
from hwq.toolchain.tools import find_icarus, find_verilator
from hwq.verify.tamper import tamper_rtl
from tests.support.designs import small_design, write
from tests.support.every_engine import ACCELERATOR, every_engine_network

_MAKE = ["CFG_CXXFLAGS_PCH_I=-include", "CFG_CXXFLAGS_STD=-std=gnu++20", "CFG_LDLIBS_THREADS=-pthread"]
_MAKE += ["CFG_CXXFLAGS_COROUTINES=-fcoroutines"]


def run_icarus(folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        icarus = find_icarus()
    except ToolError as error:
        pytest.skip(str(error))
    sources = ["hwq_accelerator_tb.v", "../rtl/hwq_accelerator.v"]
    subprocess.run([*icarus.command, "-g2005", "-o", "tb", *sources], cwd=folder, check=True)
    return subprocess.run(["vvp", "tb"], cwd=folder, capture_output=True, text=True, check=False)


def run_verilator(folder: Path) -> subprocess.CompletedProcess[str]:
    verilator = find_verilator()
    environment = {**os.environ, **verilator.environment}
    arguments = ["--cc", "--exe", "--main", "--timing", "--top-module", "hwq_accelerator_tb", "--prefix", "Vtb", "-O0"]
    sources = ["hwq_accelerator_tb.v", "../rtl/hwq_accelerator.v"]
    subprocess.run(
        [*verilator.command, *arguments, "-Wno-fatal", "-Wno-lint", "-o", "tb", *sources],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    make = ["make", "-C", "obj_dir", "-f", "Vtb.mk", "OPT_FAST=-O0", "OPT_GLOBAL=-O0", *_MAKE]
    subprocess.run(make, cwd=folder, env=environment, check=True, capture_output=True)
    return subprocess.run(["obj_dir/tb"], cwd=folder, capture_output=True, text=True, check=False)


Runner = Callable[[Path], "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("run", [run_icarus, run_verilator])
@pytest.mark.parametrize("engines", ["array", "every"])
def test_it_passes(engines: str, run: Runner, tmp_path: Path) -> None:
    design = small_design() if engines == "array" else small_design(ACCELERATOR, every_engine_network())
    write(design, tmp_path)
    done = run(tmp_path / "tb")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert "PASS" in lines
    assert [one.name for one in design.program.runs] == [layer.name for layer in design.layers] + [WHOLE]
    for one in design.program.runs:
        (line,) = [line for line in lines if line.startswith(f"{one.name} ")]
        assert f"ok    {one.output.elements} elements, {one.predicted_cycles} cycles" in line


def test_it_fails_on_a_wrong_golden(tmp_path: Path) -> None:
    write(small_design(), tmp_path)
    path = tmp_path / "tb" / "expected.hex"
    lines = path.read_text().splitlines()
    lines[1] = f"{int(lines[1], 16) ^ 1:08x}"
    path.write_text("\n".join(lines) + "\n")
    done = run_icarus(tmp_path / "tb")
    assert done.returncode != 0
    assert "FAIL" in done.stdout
    # Element 4 of a tensor with 6 channels.
    assert "first difference: pixel 0, channel 4: expected" in done.stdout
    assert "PASS" not in done.stdout


def test_it_fails_on_wrong_rounding(tmp_path: Path) -> None:
    design = small_design()
    package = write(design, tmp_path)
    tamper_rtl(design, package, [])
    done = run_icarus(tmp_path / "tb")
    assert (done.returncode != 0, "FAIL" in done.stdout) == (True, True)


def test_it_fails_on_a_wrong_cycle_count(tmp_path: Path) -> None:
    write(small_design(), tmp_path)
    path = tmp_path / "tb" / "layers.hex"
    numbers = path.read_text().split()
    numbers[7] = f"{int(numbers[7], 16) + 1:08x}"
    path.write_text("\n".join(numbers) + "\n")
    done = run_icarus(tmp_path / "tb")
    assert done.returncode != 0
    assert "cycles predicted" in done.stdout


def test_it_fails_on_silence(tmp_path: Path) -> None:
    write(small_design(), tmp_path)
    path = tmp_path / "rtl" / "hwq_accelerator.v"
    path.write_text(path.read_text().replace("done <= 1'h1", "done <= 1'h0"))
    done = run_icarus(tmp_path / "tb")
    assert done.returncode != 0
    assert "not done after" in done.stdout
