"""The memories that costs are computed for are those that the gateware builds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArithmeticParameters, ArrayParameters
from hwq.cost.memories import footprint, memories
from hwq.export.verilog import emit_verilog
from hwq.numeric.accumulation import BiasPlace
from tests.support.every_engine import ACCELERATOR

BIASED = replace(ACCELERATOR, arithmetic=ArithmeticParameters(activation_bits=6, bias=BiasPlace.INITIAL))


@pytest.mark.parametrize("accelerator", [ACCELERATOR, BIASED, Accelerator(ArrayParameters(3, 2))])
def test_they_are_those_of_the_verilog(accelerator: Accelerator) -> None:
    verilog = emit_verilog(accelerator)
    found = memories(accelerator)
    names: dict[str, int] = {}
    for shape in found:
        part = "" if shape.parts == 1 else f"_by_{shape.bits // shape.parts}"
        name = f"hwq_ram_{shape.words}x{shape.bits}{part}"
        names[name] = names.get(name, 0) + shape.count
    assert {name: verilog.count(f"  {name} ") for name in names} == names
    assert verilog.count("module hwq_ram_") == len(names)
    assert footprint(accelerator) == sum(-(-s.count * s.words * s.bits // 8) for s in found)
