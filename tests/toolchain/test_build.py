"""Building simulators on machines unlike this one: fewer programs, paths with characters that make cannot read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import tempfile
import venv
from pathlib import Path

import pytest

from hwq.errors import ToolError
from hwq.toolchain import tools
from hwq.toolchain.cache import cache_root
from hwq.toolchain.cocotb import cocotb_harness, run_bench
from hwq.toolchain.plain_paths import is_plain, plain_folder, plain_parent
from hwq.toolchain.verilator import Simulator, build_simulator, public_ports

_ROOT = Path(__file__).parents[2]

#: What a build starts besides Python: make, what its recipes call, and what the compiler calls.
_PROGRAMS = ("make", "perl", "g++", "as", "ld", "ar", "sh", "uname", "xargs", "cat", "echo", "rm")

_COUNTER = """module counter(input wire clk, input wire reset, output reg [3:0] count);
  always @(posedge clk) count <= reset ? 0 : count + 1;
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


#: A folder's name with all that means something to make, the shell or cocotb; a colon no environment can have.
_ODD = """it's "odd" #1; $HOME, a%b"""


def odd_environment(folder: Path) -> Path:
    """A virtual environment in ``folder`` with copies of what a build reads; all else is this environment's."""
    venv.create(folder, symlinks=True, with_pip=False)
    scheme = {"base": str(folder), "platbase": str(folder)}
    theirs, ours = Path(sysconfig.get_path("purelib", vars=scheme)), Path(sysconfig.get_path("purelib"))
    for pattern in ("cocotb", "cocotb-*.dist-info", "cocotb_tools", "pygpi", "verilator", "verilator-*.dist-info"):
        for package in ours.glob(pattern):
            shutil.copytree(package, theirs / package.name)
    (theirs / "rest.pth").write_text(f"{ours}\n", encoding="utf-8")
    return folder


def test_any_path_of_environment_and_cache_serves(tmp_path: Path, own_cache: Path) -> None:
    odd = tmp_path / _ODD
    odd.mkdir()
    environment = odd_environment(odd / "environment")
    cache = own_cache.rename(odd / "cache")
    code = (
        "import sys, pathlib, cocotb_tools.config as config; from hwq.toolchain.tools import find_verilator\n"
        "from tests.toolchain.test_build import run_counter\n"
        "assert sys.argv[1] in str(config.libs_dir) and sys.argv[1] in find_verilator().command[0]\n"
        "run_counter(pathlib.Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [str(environment / "bin" / "python"), "-c", code, str(odd)],
        cwd=_ROOT,
        env={**os.environ, "HWQ_CACHE": str(cache), "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "PASS=1" in (odd / "simulation.log").read_text(encoding="utf-8")
    assert len(list((cache / "simulators").iterdir())) == 1


def run_counter(directory: Path) -> None:
    """Build the counter and let the bench below count."""
    simulator = build_simulator(
        _COUNTER, "counter", public_ports("counter", ["clk", "reset", "count"]), cocotb_harness()
    )
    run_bench(simulator, "counter", "tests.toolchain.bench_counter", directory, {})


def test_a_temporary_folder_that_make_cannot_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "a b"
    odd.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    assert plain_parent() in (Path("/tmp"), Path("/var/tmp"))
    monkeypatch.setattr(Path, "is_dir", lambda self: False)
    with pytest.raises(ToolError, match=r"the temporary folder .*/a b has ' ' in its path, .*: set TMPDIR"):
        plain_parent()


def test_plain_names(tmp_path: Path) -> None:
    odd = tmp_path / _ODD
    odd.mkdir()
    with plain_folder() as folder:
        assert is_plain(folder.path)
        assert folder.named(folder.path) == folder.path
        assert is_plain(folder.named(odd))
        assert folder.named(odd) == folder.named(odd)
        assert folder.named(odd).samefile(odd)
    assert not folder.path.exists()
    assert "".join(sorted({character for character in _ODD if not is_plain(character)})) == " \"#$%',;"
