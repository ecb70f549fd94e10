"""Running cocotb benches in a simulator built by Verilator."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import cocotb_tools.config
import find_libpython

from hwq.errors import ToolError
from hwq.toolchain.verilator import Harness, Simulator, Tick, wait_for


def cocotb_harness() -> Harness:
    """The main program that cocotb brings for Verilator, linked with its VPI library."""
    libraries = cocotb_tools.config.libs_dir
    main = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    return Harness(
        main=Path(main),
        link_flags=(f"-Wl,-rpath,{libraries}", f"-L{libraries}", "-lcocotbvpi_verilator"),
        identity=f"cocotb {metadata.version('cocotb')} {libraries}",
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
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([os.environ.get("PATH", ""), str(cocotb_tools.config.libs_dir)]),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYGPI_PYTHON_BIN": sys.executable,
        "GPI_USERS": f"{libpython};{cocotb_tools.config.pygpi_entry_point()}",
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": module,
        "TOPLEVEL_LANG": "verilog",
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_RESULTS_FILE": "results.xml",
        "COCOTB_ANSI_OUTPUT": "0",
        **settings,
    }
    command = [str(simulator.executable), "+verilator+rand+reset+2", f"+verilator+seed+{seed + 1}"]
    command += ["--trace"] if simulator.trace else []
    log = directory / "simulation.log"
    begun = time.monotonic()
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=directory, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
            wait_for(process, begun, tick)
    except OSError as error:
        raise ToolError(f"the simulator did not start: {error.strerror}") from None
    text = log.read_text(encoding="utf-8", errors="replace")
    if not (directory / "results.xml").is_file():
        raise ToolError(f"the simulation ended without a result:\n{text[-2000:].strip()}")
    return text
