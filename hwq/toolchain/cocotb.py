"""Running cocotb benches in a simulator built by Verilator."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import cocotb_tools.config
import find_libpython

from hwq.errors import ToolError
from hwq.toolchain.children import Tick, run_child
from hwq.toolchain.plain_paths import PlainFolder, plain_folder
from hwq.toolchain.verilator import Harness, Simulator

#: Where the dynamic linker looks for the libraries of the simulator that cocotb brings.
_LIBRARY_PATH = "DYLD_LIBRARY_PATH" if sys.platform == "darwin" else "LD_LIBRARY_PATH"


def cocotb_harness() -> Harness:
    """The main program that cocotb brings for Verilator, linked with its VPI library."""
    return Harness(
        main=Path(cocotb_tools.config.share_dir) / "lib" / "verilator" / "verilator.cpp",
        library_directory=Path(cocotb_tools.config.libs_dir),
        libraries=("cocotbvpi_verilator",),
        identity=f"cocotb {metadata.version('cocotb')}",
    )


def run_bench(
    simulator: Simulator,
    top: str,
    module: str,
    directory: Path,
    settings: Mapping[str, str],
    seed: int = 0,
    tick: Tick | None = None,
) -> str:
    """Run the tests of Python module ``module`` in ``simulator``.

    Parameters
    ----------
    simulator:
        From `build_simulator` with `cocotb_harness`.
    top:
        Name of the top module.
    module:
        Importable name of the bench.
    directory:
        Working directory; the log, the results and the waveform go there.
    settings:
        Environment variables for the bench.
    seed:
        For the random contents that memories and registers without reset start with.
    tick:
        Called while it runs.

    Returns
    -------
    The simulation's log.

    Raises
    ------
    ToolError
        When the simulation did not run at all.
    """
    libpython = find_libpython.find_libpython()
    if libpython is None:
        raise ToolError("this Python has no shared library, which cocotb needs: install one that does (libpython3)")
    command = [str(simulator.executable), "+verilator+rand+reset+2", f"+verilator+seed+{seed + 1}"]
    command += ["--trace"] if simulator.trace else []
    log = directory / "simulation.log"
    bench = {"COCOTB_TOPLEVEL": top, "COCOTB_TEST_MODULES": module, **settings}
    begun = time.monotonic()
    with plain_folder() as work:
        environment = {**os.environ, **_cocotb_settings(work, libpython), **bench}
        run_child("the simulator", command, log, directory, environment, begun, tick)
    text = log.read_text(encoding="utf-8", errors="replace")
    if not (directory / "results.xml").is_file():
        raise ToolError(f"the simulation ended without a result:\n{text[-2000:].strip()}")
    return text


def _cocotb_settings(work: PlainFolder, libpython: str) -> dict[str, str]:
    """What cocotb reads from the environment, and where; in lists whose separators a path may hold too."""
    libraries = str(work.named(cocotb_tools.config.libs_dir))
    entry, separator, function = cocotb_tools.config.pygpi_entry_point().rpartition(",")
    modules = [str(work.named(path)) if os.pathsep in path else path for path in sys.path if path]
    return {
        "PATH": os.pathsep.join([os.environ.get("PATH", ""), libraries]),
        _LIBRARY_PATH: os.pathsep.join(filter(None, [libraries, os.environ.get(_LIBRARY_PATH)])),
        "PYTHONPATH": os.pathsep.join(modules),
        "PYGPI_PYTHON_BIN": sys.executable,
        "GPI_USERS": f"{work.named(libpython)};{work.named(entry)}{separator}{function}",
        "TOPLEVEL_LANG": "verilog",
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_RESULTS_FILE": "results.xml",
        "COCOTB_ANSI_OUTPUT": "0",
    }
