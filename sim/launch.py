"""Emits a block's Verilog, builds it and runs its bench: the one place here that knows how blocks are made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any

from hwq.arch.accelerator import Accelerator
from hwq.export.verilog import emit_component
from hwq.gateware.array import SystolicArray
from hwq.gateware.pe import ProcessingElement
from hwq.gateware.requantizer import Requantizer
from hwq.toolchain.cocotb import cocotb_harness, run_bench
from hwq.toolchain.scratch import scratch_folder
from hwq.toolchain.verilator import build_simulator, public_ports


@dataclass(frozen=True)
class Outcome:
    """How a bench ended, and its log."""

    passed: bool
    log: str


def _pe(a: Accelerator) -> tuple[type[Any], dict[str, Any], dict[str, Any]]:
    known = {"product_register": a.array.product_register, "psum_bits": a.psum_bits}
    made = {"operand": a.operand, "weight": a.weight, **known}
    return ProcessingElement, made, {"operand_bits": a.operand.width, "weight_bits": a.weight.width, **known}


def _array(a: Accelerator) -> tuple[type[Any], dict[str, Any], dict[str, Any]]:
    known = {
        "rows": a.array.rows,
        "columns": a.array.columns,
        "latency": a.array_latency,
        "operand_bits": a.operand.width,
        "weight_bits": a.weight.width,
        "psum_bits": a.psum_bits,
    }
    return SystolicArray, {"accelerator": a}, known


def _requantizer(a: Accelerator) -> tuple[type[Any], dict[str, Any], dict[str, Any]]:
    known = {
        "accumulator_bits": a.arithmetic.accumulator_bits,
        "max_left_shift": a.requantizer.max_left_shift,
        "latency": a.requantizer_latency,
    }
    return Requantizer, {"accelerator": a}, known


BENCHES = {"pe": _pe, "array": _array, "requantizer": _requantizer}
"""What each bench runs: component, its parameters, and what the bench is told."""


def run(name: str, accelerator: Accelerator, seed: int, alter: Callable[[str], str] = str) -> Outcome:
    """Run bench ``name`` on its block as ``accelerator`` has it; ``alter`` changes the Verilog first."""
    kind, made, known = BENCHES[name](accelerator)
    verilog = alter(emit_component(kind, **made))
    waivers = (resources.files("hwq.export") / "verilator.vlt").read_text(encoding="utf-8")
    header = re.search(rf"module {kind.module}\(([^)]*)\)", verilog)
    ports = header[1].replace(",", " ").split() if header else []
    control = waivers + public_ports(kind.module, ports)
    simulator = build_simulator(verilog, kind.module, control, cocotb_harness())
    with scratch_folder("hwq-sim-") as folder:
        told = folder / "parameters.json"
        told.write_text(json.dumps(known), encoding="utf-8")
        settings = {"HWQ_SIM_PARAMETERS": str(told), "HWQ_SIM_SEED": str(seed)}
        log = run_bench(simulator, kind.module, f"sim.bench_{name}", folder, settings, seed)
    return Outcome("FAIL=0" in log and "PASS=1" in log, log)
