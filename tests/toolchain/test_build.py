"""Building simulators on machines unlike this one: fewer programs, paths with characters that make cannot read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hwq.errors import ToolError
from hwq.toolchain import tools
from hwq.toolchain.cache import cache_root
from hwq.toolchain.cocotb import cocotb_harness
from hwq.toolchain.verilator import Simulator, build_simulator

#: What a build starts besides Python: make, what its recipes call, and what the compiler calls.
_PROGRAMS = ("make", "perl", "g++", "as", "ld", "ar", "sh", "uname", "xargs", "cat", "echo", "rm")

_COUNTER = """module counter(input wire clk, output reg [3:0] count);
  always @(posedge clk) count <= count + 1;
endmodule
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, which shares the compiled library of Verilator with the user's."""
    shared = cache_root() / "verilated"
    shared.mkdir(parents=True, exist_ok=True)
    own = tmp_path / "cache"
    own.mkdir()
    (own / "verilated").symlink_to(shared)
    monkeypatch.setenv("HWQ_CACHE", str(own))
    return own


def build_counter(verilog: str = _COUNTER) -> Simulator:
    return build_simulator(verilog, "counter", "`verilator_config\n", cocotb_harness())


@pytest.fixture
def few_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds what a build needs and ``python3``, but no ``python``."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in (*_PROGRAMS, "python3"):
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    # By its real path, so that the library compiled with it is the one that is already there.
    monkeypatch.setenv("CXX", tools.find_compiler().origin)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.usefixtures("few_programs")
def test_no_program_called_python_is_needed() -> None:
    assert build_counter().executable.is_file()


def test_a_program_that_a_build_lacks_is_named(few_programs: Path) -> None:
    (few_programs / "as").unlink()
    with pytest.raises(ToolError, match=r"^make failed, so there is no simulator to run: .*\bas\b.*") as raised:
        build_counter()
    assert "Command Failed" not in str(raised.value)
    assert len(str(raised.value).splitlines()) <= 2
