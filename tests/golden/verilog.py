"""The accelerators whose Verilog lies in ``rtl/golden``, one file each; ``make golden`` writes them anew."""

from __future__ import annotations

from pathlib import Path

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    RequantizerParameters,
)
from hwq.export.verilog import emit_verilog

FOLDER = Path(__file__).parents[2] / "rtl" / "golden"

CONFIGURATIONS = {
    # What the defaults make of a small array.
    "default_4x4": Accelerator(
        array=ArrayParameters(rows=4, columns=4),
        buffers=BufferParameters(activations=1024, weights=4096, channels=64, descriptors=8, accumulators=16),
    ),
    # Sizes that are no powers of two, one lane, the other zero-point form, no product register, no left shift.
    "odd_3x5": Accelerator(
        array=ArrayParameters(rows=3, columns=5, product_register=False),
        arithmetic=ArithmeticParameters(input_zero_point=InputZeroPoint.SUBTRACTED, accumulator_bits=24),
        requantizer=RequantizerParameters(lanes=1, max_left_shift=0),
        buffers=BufferParameters(activations=1000, weights=3000, channels=50, descriptors=5, accumulators=10),
    ),
}


def path_of(name: str) -> Path:
    """Where the Verilog of configuration ``name`` lies."""
    return FOLDER / f"{name}.v"


def write() -> None:
    """Emit every configuration's Verilog into the folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, accelerator in CONFIGURATIONS.items():
        path_of(name).write_text(emit_verilog(accelerator), encoding="utf-8")
