"""What an FPGA gives for an accelerator: Yosys maps the Verilog of projects to Lattice ECP5 and counts its cells.

``python -m tests.bench.resources`` prints a table for the projects in configs/projects, or for the project files given;
``--json`` prints one JSON object instead. Yosys' counts are before placement. A project takes it a minute or two.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hwq.arch.accelerator import Accelerator
from hwq.config.project import load_project
from hwq.errors import HwqError
from hwq.export.verilog import TOP, emit_verilog
from hwq.frontends import load
from hwq.schedule.planning import with_engines
from hwq.synth.synthesis import count_cells
from hwq.synth.targets import TARGETS, TargetName

#: Cells that are counted, and how many the largest ECP5 has. A CCU2C is two bits of an adder and takes two LUT4.
CELLS = {
    "LUT4": 83_640,
    "CCU2C": 41_820,
    "TRELLIS_FF": 83_640,
    "TRELLIS_DPR16X4": None,
    "DP16KD": 208,
    "MULT18X18D": 156,
}

_PROJECTS = Path(__file__).parents[2] / "configs" / "projects"


def resources(accelerator: Accelerator) -> dict[str, int]:
    """Cells of each kind of `CELLS` that ``accelerator`` takes.

    Raises
    ------
    ToolError
        When Yosys is missing, or fails.
    """
    found = count_cells(emit_verilog(accelerator), TOP, TARGETS[TargetName.ECP5_85K]).cells
    return {cell: found.get(cell, 0) for cell in CELLS}


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 0, or 2 where a project, its model or Yosys is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", type=Path, help="project files; those in configs/projects by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args(arguments)
    os.environ.setdefault("HWQ_MLPERF_TINY", str(_PROJECTS.parents[2] / "shared" / "mlperf_tiny"))
    counts: dict[str, dict[str, int]] = {}
    try:
        projects = [load_project(path) for path in options.projects or sorted(_PROJECTS.glob("*.yaml"))]
        accelerators = {p.name: with_engines(load(p.model), p.accelerator, p.auto) for p in projects}
        for name, accelerator in accelerators.items():
            print(f"mapping {name} ...", file=sys.stderr)
            counts[name] = resources(accelerator)
    except HwqError as error:
        print(error, file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(counts))
        return 0
    table = Table(title="Cells of an ECP5, by Yosys; the last line is what the largest one has")
    table.add_column("")
    for cell in CELLS:
        table.add_column(cell, justify="right")
    for name, found in counts.items():
        table.add_row(name, *(f"{count:,}" for count in found.values()))
    table.add_section()
    table.add_row("LFE5UM-85", *("" if most is None else f"{most:,}" for most in CELLS.values()))
    Console(width=120).print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
