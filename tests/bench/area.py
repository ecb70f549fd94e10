"""What accelerators of many shapes take of FPGAs: the measurements that the area model of hwq.cost is fitted to.

``python -m tests.bench.area`` has Yosys map random accelerators, the same ones every time, to ECP5 and Xilinx 7,
and writes a line for each to area.csv; half an hour or more. What was mapped before comes from the cache.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwq.arch.accelerator import Accelerator
from hwq.arch.engines import PARAMETERS
from hwq.arch.parameters import (
    ArithmeticParameters,
    ArrayParameters,
    BufferParameters,
    InputZeroPoint,
    RequantizerParameters,
)
from hwq.export.verilog import TOP, emit_verilog
from hwq.numeric.accumulation import SumOverflow
from hwq.numeric.requantize import Contract
from hwq.synth.synthesis import count_cells
from hwq.synth.targets import TARGETS, TargetName

TABLE = Path(__file__).with_name("area.csv")

#: The target whose cells stand for those of a family.
FAMILIES = {"ecp5": TargetName.ECP5_85K, "xilinx7": TargetName.XILINX7}

#: How many accelerators; every fourth is kept from the fit.
POINTS = 21


def is_held_out(point: int) -> bool:
    """Whether a point is for measuring the model's error, and not for fitting it."""
    return point % 4 == 3


def values(point: int) -> dict[str, dict[str, Any]]:
    """The keys of a project that describe accelerator number ``point``."""
    r = random.Random(point)
    rows, columns = r.choice(((2, 2), (2, 4), (4, 2), (3, 4), (4, 4), (4, 6), (6, 4), (4, 8), (8, 4), (6, 6), (8, 8)))
    lanes = r.choice([lanes for lanes in range(1, columns + 1) if columns % lanes == 0 and lanes <= 4])
    activation_bits, weight_bits = r.choice((8, 8, 8, 6, 4)), r.choice((8, 8, 8, 5, 4))
    overflow = r.choice(("refuse", "refuse", "refuse", "wrap", "saturate"))
    accumulator = r.choice((20, 24, 28, 32)) if overflow == "refuse" else r.choice((16, 20))
    found: dict[str, dict[str, Any]] = {
        "array": {"rows": rows, "columns": columns, "product_register": r.random() < 0.75},
        "arithmetic": {
            "contract": r.choice(("double", "double", "double", "single", "plain", "shift")),
            "input_zero_point": r.choice(("folded", "subtracted")),
            "activation_bits": activation_bits,
            "weight_bits": weight_bits,
            "accumulator_bits": accumulator,
            "overflow": overflow,
        },
        "requantizer": {"lanes": lanes, "max_left_shift": r.choice((0, 0, 7, 30))},
        "buffers": {
            "activations": r.choice((1024, 4096, 12288, 32768)),
            "weights": r.choice((1024, 4096, 12288, 32768)),
            "channels": r.choice((64, 256, 512, 1024)),
            "descriptors": r.choice((8, 16, 64)),
            "accumulators": r.choice((16, 64, 256, 512)),
        },
    }
    for engine, chance in (("depthwise", 0.5), ("pooling", 0.5), ("elementwise", 0.4), ("table", 0.3)):
        if r.random() < chance:
            found[engine] = {"line": r.choice((16, 48, 96))} if engine == "depthwise" else {}
    return found


def accelerator_of(keys: dict[str, dict[str, Any]]) -> Accelerator:
    """The accelerator that keys describe."""
    arithmetic = dict(keys["arithmetic"])
    arithmetic["contract"] = Contract(arithmetic["contract"])
    arithmetic["input_zero_point"] = InputZeroPoint(arithmetic["input_zero_point"])
    arithmetic["overflow"] = SumOverflow(arithmetic["overflow"])
    return Accelerator(
        ArrayParameters(**keys["array"]),
        ArithmeticParameters(**arithmetic),
        RequantizerParameters(**keys["requantizer"]),
        BufferParameters(**keys["buffers"]),
        **{engine: kind(**keys[engine]) for engine, kind in PARAMETERS.items() if engine in keys},
    )


@dataclass(frozen=True)
class Measurement:
    """A point in a family: its number, its keys, and how many cells of each kind Yosys counted."""

    point: int
    family: str
    keys: dict[str, dict[str, Any]]
    cells: dict[str, int]


def read_table(path: Path = TABLE) -> Iterator[Measurement]:
    """The measurements in a table."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            keys, cells = json.loads(row["keys"]), json.loads(row["cells"])
            yield Measurement(int(row["point"]), row["family"], keys, cells)


def main(arguments: list[str] | None = None) -> int:
    """Measure every point and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=POINTS, help="how many accelerators")
    parser.add_argument("--output", type=Path, default=TABLE, help="where the table goes")
    options = parser.parse_args(arguments)
    with options.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["point", "family", "keys", "cells"])
        for point in range(options.points):
            keys = values(point)
            verilog = emit_verilog(accelerator_of(keys))
            for family, target in FAMILIES.items():
                netlist = count_cells(verilog, TOP, TARGETS[target])
                writer.writerow([point, family, json.dumps(keys), json.dumps(netlist.cells, sort_keys=True)])
                file.flush()
                print(f"{point} {family} {netlist.seconds:.0f} s", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
