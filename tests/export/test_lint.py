"""The emitted Verilog, read by Verilator, Yosys and Icarus: nothing to complain of but the three waivers."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines.depthwise import DepthwiseParameters
from hwq.arch.engines.elementwise import ElementwiseParameters
from hwq.arch.engines.pooling import PoolingParameters
from hwq.arch.engines.table import TableParameters
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    RequantizerParameters,
    TruncateParameters,
    WeightPacking,
)
from hwq.errors import ToolError
from hwq.export.verilog import TOP, emit_verilog
from hwq.numeric.accumulation import BiasPlace, Granularity, SumOverflow
from hwq.numeric.requantization import OutputOverflow
from hwq.numeric.requantize import Contract
from hwq.numeric.rounding import Rounding
from hwq.toolchain import tools
from hwq.toolchain.tools import Tool

DESIGNS = {
    "default": Accelerator(),
    "1x1": Accelerator(array=ArrayParameters(rows=1, columns=1), buffers=BufferParameters(16, 16, 1, 2, 2)),
    "3x5, subtracted, narrow": Accelerator(
        array=ArrayParameters(rows=3, columns=5, product_register=False),
        arithmetic=ArithmeticParameters(
            input_zero_point=InputZeroPoint.SUBTRACTED, weight_bits=3, psum_bits=14, accumulator_bits=17
        ),
        requantizer=RequantizerParameters(lanes=5, max_left_shift=0),
        buffers=BufferParameters(activations=100, weights=77, channels=11, descriptors=3, accumulators=5),
    ),
    "2x12, left shift 3": Accelerator(
        array=ArrayParameters(rows=2, columns=12), requantizer=RequantizerParameters(lanes=3, max_left_shift=3)
    ),
    "saturating": Accelerator(
        ArrayParameters(3, 4),
        ArithmeticParameters(overflow=SumOverflow.SATURATE_SYMMETRIC, accumulator_bits=16, psum_bits=14),
        depthwise=DepthwiseParameters(),
    ),
    "wrapping": Accelerator(
        ArrayParameters(2, 2),
        ArithmeticParameters(overflow=SumOverflow.WRAP, accumulator_bits=12, psum_bits=17),
        depthwise=DepthwiseParameters(2, 2),
    ),
    "clamping every sum": Accelerator(
        ArrayParameters(3, 4, product_register=False),
        ArithmeticParameters(overflow=SumOverflow.SATURATE, granularity=Granularity.MAC, accumulator_bits=16),
        depthwise=DepthwiseParameters(2, 2),
    ),
    "truncating": Accelerator(
        ArrayParameters(3, 4),
        ArithmeticParameters(truncate=TruncateParameters(5, Rounding.HALF_EVEN), psum_bits=30, accumulator_bits=48),
        depthwise=DepthwiseParameters(2, 2),
    ),
    "truncating and clamping every sum": Accelerator(
        ArrayParameters(3, 4),
        ArithmeticParameters(
            overflow=SumOverflow.SATURATE_SYMMETRIC,
            granularity=Granularity.MAC,
            accumulator_bits=40,
            truncate=TruncateParameters(1, Rounding.FLOOR),
        ),
        depthwise=DepthwiseParameters(2, 2),
    ),
    "codes of 12 bits, every engine that takes them": Accelerator(
        ArrayParameters(3, 4),
        ArithmeticParameters(activation_bits=12, overflow=SumOverflow.SATURATE, accumulator_bits=24),
        depthwise=DepthwiseParameters(),
        pooling=PoolingParameters(),
    ),
    "codes of 3 bits, every engine": Accelerator(
        ArrayParameters(3, 4),
        ArithmeticParameters(activation_bits=3, weight_bits=16),
        depthwise=DepthwiseParameters(),
        pooling=PoolingParameters(),
        elementwise=ElementwiseParameters(),
        table=TableParameters(),
    ),
    "weights packed": Accelerator(
        ArrayParameters(4, 5), ArithmeticParameters(weight_packing=WeightPacking.LAYER), depthwise=DepthwiseParameters()
    ),
    "weights of 3 bits packed": Accelerator(
        ArrayParameters(3, 2), ArithmeticParameters(weight_bits=3, weight_packing=WeightPacking.LAYER)
    ),
    "weights of 1 bit, 1x1": Accelerator(ArrayParameters(1, 1), ArithmeticParameters(weight_bits=1)),
    "beginning with the bias": Accelerator(
        ArrayParameters(3, 4),
        ArithmeticParameters(bias=BiasPlace.INITIAL),
        depthwise=DepthwiseParameters(2, 2),
        pooling=PoolingParameters(),
    ),
    "beginning with the bias, every sum": Accelerator(
        ArrayParameters(2, 6),
        ArithmeticParameters(
            overflow=SumOverflow.SATURATE, granularity=Granularity.MAC, accumulator_bits=20, bias=BiasPlace.INITIAL
        ),
        RequantizerParameters(lanes=1),
        depthwise=DepthwiseParameters(2, 2),
    ),
    "beginning with the bias, 1x1": Accelerator(
        ArrayParameters(1, 1),
        ArithmeticParameters(bias=BiasPlace.INITIAL, overflow=SumOverflow.WRAP, psum_bits=10, accumulator_bits=12),
        buffers=BufferParameters(16, 16, 1, 2, 2),
    ),
    **{
        f"contract {contract.value}, {overflow.value}": Accelerator(
            ArrayParameters(2, 4),
            ArithmeticParameters(contract=contract, overflow=SumOverflow.SATURATE, accumulator_bits=bits),
            RequantizerParameters(rounding=rounding, output_overflow=overflow),
            depthwise=DepthwiseParameters(2, 2),
            pooling=PoolingParameters(),
        )
        for contract, overflow, rounding, bits in (
            (Contract.UP2, OutputOverflow.SATURATE, Rounding.HALF_UP, 20),
            (Contract.SINGLE, OutputOverflow.WRAP, Rounding.HALF_UP, 40),
            (Contract.PLAIN, OutputOverflow.SATURATE_SYMMETRIC, Rounding.HALF_ODD, 20),
            (Contract.SHIFT, OutputOverflow.SATURATE, Rounding.FLOOR, 20),
        )
    },
    "wrapping every sum, 1x1": Accelerator(
        ArrayParameters(1, 1),
        ArithmeticParameters(overflow=SumOverflow.WRAP, granularity=Granularity.MAC, accumulator_bits=10),
        buffers=BufferParameters(16, 16, 1, 2, 2),
    ),
    "depthwise": Accelerator(depthwise=DepthwiseParameters()),
    "depthwise 2x5, 3x12, subtracted": Accelerator(
        array=ArrayParameters(rows=3, columns=12),
        arithmetic=ArithmeticParameters(input_zero_point=InputZeroPoint.SUBTRACTED, weight_bits=5),
        requantizer=RequantizerParameters(lanes=3, max_left_shift=0),
        buffers=BufferParameters(activations=100, weights=77, channels=11, descriptors=3, accumulators=5),
        depthwise=DepthwiseParameters(rows=2, columns=5, line=7),
    ),
    "depthwise 1x2, 1x1": Accelerator(
        array=ArrayParameters(rows=1, columns=1),
        buffers=BufferParameters(16, 16, 1, 2, 2),
        depthwise=DepthwiseParameters(rows=1, columns=2, line=1),
    ),
    "depthwise 1x1 beside pooling": Accelerator(
        array=ArrayParameters(rows=2, columns=4),
        depthwise=DepthwiseParameters(rows=1, columns=1, line=4096),
        pooling=PoolingParameters(),
    ),
    "depthwise 3x1, line of 1": Accelerator(depthwise=DepthwiseParameters(rows=3, columns=1, line=1)),
    "table": Accelerator(table=TableParameters()),
    "table of one lane": Accelerator(
        array=ArrayParameters(rows=1, columns=3), requantizer=RequantizerParameters(lanes=1), table=TableParameters()
    ),
    "every engine": Accelerator(
        depthwise=DepthwiseParameters(),
        pooling=PoolingParameters(),
        elementwise=ElementwiseParameters(),
        table=TableParameters(),
    ),
    "pooling": Accelerator(pooling=PoolingParameters()),
    "pooling, 5x3": Accelerator(
        array=ArrayParameters(rows=5, columns=3),
        buffers=BufferParameters(activations=100, weights=77, channels=11, descriptors=3, accumulators=5),
        pooling=PoolingParameters(),
    ),
    "pooling, 1x1": Accelerator(
        array=ArrayParameters(rows=1, columns=1), buffers=BufferParameters(16, 16, 1, 2, 2), pooling=PoolingParameters()
    ),
    "elementwise": Accelerator(elementwise=ElementwiseParameters()),
    "elementwise, 5x3, as many lanes": Accelerator(
        array=ArrayParameters(rows=5, columns=3),
        requantizer=RequantizerParameters(lanes=3, max_left_shift=0),
        buffers=BufferParameters(activations=100, weights=77, channels=11, descriptors=3, accumulators=5),
        elementwise=ElementwiseParameters(),
    ),
    "elementwise, 1x1": Accelerator(
        array=ArrayParameters(rows=1, columns=1),
        buffers=BufferParameters(16, 16, 1, 2, 2),
        elementwise=ElementwiseParameters(),
    ),
}


@pytest.fixture(scope="module", params=DESIGNS)
def verilog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lint") / f"{TOP}.v"
    path.write_text(emit_verilog(DESIGNS[request.param]), encoding="utf-8")
    return path


def _said(tool: Tool, *arguments: str, directory: Path) -> tuple[int, str]:
    """Exit code and output; Yosys from a wheel sees its working directory, but not /tmp."""
    command, environment = [*tool.command, *arguments], {**os.environ, **tool.environment}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=directory, check=False)
    return done.returncode, done.stdout + done.stderr


def _verilator(verilog: Path, waivers: str) -> tuple[int, str]:
    verilator = tools.find_verilator()
    control = verilog.with_name("waivers.vlt")
    control.write_text(waivers, encoding="utf-8")
    arguments = ["--lint-only", "-Wall", "--top-module", TOP, control.name, verilog.name]
    return _said(verilator, *arguments, directory=verilog.parent)


def test_verilator_finds_nothing_but_what_is_waived(verilog: Path) -> None:
    waivers = (resources.files("hwq.export") / "verilator.vlt").read_text(encoding="utf-8")
    code, text = _verilator(verilog, waivers)
    assert (code, "%Warning" in text) == (0, False), text


@pytest.fixture(scope="module")
def default_text() -> str:
    return emit_verilog(DESIGNS["default"])


WAIVERS = ["DECLFILENAME", "PROCASSINIT", "WIDTHEXPAND"]


def test_nothing_else_is_waived() -> None:
    waivers = (resources.files("hwq.export") / "verilator.vlt").read_text(encoding="utf-8")
    rules = [line for line in waivers.splitlines() if line and not line.startswith("//")]
    assert rules == ["`verilator_config", *(f"lint_off -rule {waiver}" for waiver in WAIVERS)]


@pytest.mark.parametrize("waiver", WAIVERS)
def test_every_waiver_is_needed(waiver: str, tmp_path: Path, default_text: str) -> None:
    path = tmp_path / f"{TOP}.v"
    path.write_text(default_text, encoding="utf-8")
    waivers = (resources.files("hwq.export") / "verilator.vlt").read_text(encoding="utf-8")
    lines = [line for line in waivers.splitlines() if line != f"lint_off -rule {waiver}"]
    assert len(lines) == len(waivers.splitlines()) - 1
    code, text = _verilator(path, "\n".join([*lines, ""]))
    assert code and f"%Warning-{waiver}" in text


def _optional(find: Callable[[], Tool]) -> Tool:
    try:
        return find()
    except ToolError as error:
        pytest.skip(str(error))


def test_yosys_reads_and_checks_it(verilog: Path) -> None:
    yosys = _optional(tools.find_yosys)
    script = f"read_verilog {verilog.name}; hierarchy -check -top {TOP}; proc; check -assert"
    code, text = _said(yosys, "-p", script, directory=verilog.parent)
    assert (code, "Warning" in text) == (0, False), text[-2000:]


def test_icarus_compiles_it(verilog: Path) -> None:
    icarus = _optional(tools.find_icarus)
    code, text = _said(icarus, "-g2005", "-Wall", "-o", "lint.vvp", verilog.name, directory=verilog.parent)
    assert (code, text) == (0, "")


def test_every_name_reads_as_it_was_given() -> None:
    """No signal is nameless, named twice or like a word of the language: such names are escaped."""
    for name, accelerator in DESIGNS.items():
        assert re.findall(r"\\\S+", emit_verilog(accelerator)) == [], name
