"""The built wheel, in an environment of its own: what users install is what works."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _run(*command: str | Path, directory: Path, **environment: str) -> str:
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=directory,
        env={**clean, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, ROOT, directory=folder)
    (built,) = folder.glob("hwq-*.whl")
    return built


def test_it_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "hwq"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("not a checkout: what belongs into the package is not known")
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = {name for name in names if ".dist-info/" not in name}
    assert set(tracked.stdout.split()) <= inside
    assert all(name.startswith("hwq/") and "__pycache__" not in name for name in inside)
    assert "hwq/py.typed" in inside
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_it_states_license_and_python(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert "Classifier: Typing :: Typed" in metadata


def test_demo_and_verify_run_from_it(wheel: Path, tmp_path: Path) -> None:
    """In a fresh environment that is not activated, far from the checkout."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    _run(python, "-m", "pip", "install", "--quiet", wheel, directory=tmp_path)
    hwq = environment / "bin" / "hwq"
    cache = {"HWQ_CACHE": str(tmp_path / "cache")}
    assert str(environment) in _run(python, "-c", "import hwq; print(hwq.__file__)", directory=tmp_path)
    assert "MATCH" in _run(hwq, "demo", directory=tmp_path, **cache)
    example = next((environment / "lib").glob("python*/site-packages/hwq/examples/digits/digits.yaml"))
    assert "MATCH" in _run(hwq, "verify", example, directory=tmp_path, **cache)


def test_the_source_archive_lists_what_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert [path for path in listed if not (ROOT / path.lstrip("/")).exists()] == []
