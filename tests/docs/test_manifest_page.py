"""The manifest's page names every key, and its C compiles with the header."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hwq.arch.accelerator import Accelerator
from hwq.arch.parameters import ArrayParameters
from hwq.export.package import Package, write_package
from hwq.graph.inputs import random_samples
from hwq.verify.design import lower_design
from hwq.verify.vectors import golden_vectors
from tests.docs.tables import DOCS
from tests.support.convolutions import small_network

PAGE = DOCS / "spec" / "manifest.md"

#: Objects whose keys are names of the design's own or documented elsewhere; ``*`` stands for any of them.
_BY_NAME = {
    "memories": True,
    "descriptor.layouts": True,
    "parameters": False,
    "opcodes": False,
    "latencies": False,
    "files": False,
}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    network = small_network()
    design = lower_design(network, Accelerator(array=ArrayParameters(rows=4, columns=4)))
    vectors = [vector.first() for vector in golden_vectors(design, random_samples(network, 1, seed=1))]
    inputs = {name: {"name": f"{name}.file", "sha256": "0" * 64} for name in ("project", "model")}
    return write_package(design.program, tmp_path_factory.mktemp("package"), inputs, vectors)


def keys_of(value: Any, path: str = "") -> Iterator[str]:
    """Every key of a manifest as the page writes it."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield from keys_of(item, f"{path}[]")
    elif isinstance(value, dict):
        for key, item in value.items():
            deeper = _BY_NAME.get(path)
            name = f"{path}.{'*' if deeper else key}" if path else key
            if deeper is None:
                yield name
            if deeper is not False:
                yield from keys_of(item, name)


def documented() -> set[str]:
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("## M.3") : text.index("## M.4")]
    return set(re.findall(r"^\| `([^`]+)` \|", table, flags=re.MULTILINE))


def test_every_key_is_documented_and_no_other(package: Package) -> None:
    keys = set(keys_of(package.manifest))
    # The header row of an object may be left out where its members say all.
    objects = {key for key in keys if any(other.startswith(f"{key}.") for other in keys)}
    assert not keys - objects - documented()
    assert not documented() - keys


def test_every_file_is_documented(package: Package) -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index("## M.1") : text.index("## M.2")]
    named = set(re.findall(r"^\| `([^`]+)` \|", table, flags=re.MULTILINE))
    layers = [layer["name"] for layer in package.manifest["layers"]]
    found = {str(path.relative_to(package.root)) for path in package.root.rglob("*") if path.is_file()}
    assert package.manifest["network"] is not None
    expected = {name.replace("LAYER", layer) for name in named for layer in (layers if "LAYER" in name else [""])}
    assert expected == found
    assert set(package.manifest["files"]) == found - {"manifest.json"}


@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_c_example_compiles(package: Package, language: str, tmp_path: Path) -> None:
    compiler = shutil.which("g++")
    assert compiler, "hwq needs g++"
    code = re.findall(r"```c\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert code
    source = tmp_path / "example.c"
    source.write_text("\n".join(code), encoding="utf-8")
    command = [compiler, "-x", language, "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
    command += [f"-I{package.root / 'include'}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
