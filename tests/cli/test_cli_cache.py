"""``hwq cache``: what is kept and where, and emptying it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwq.toolchain.cache import cached_build
from tests.cli.support import refused, run_cli

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HWQ_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HWQ_CACHE_LIMIT", "3M")
    return tmp_path / "cache"


def add(kind: str, key: str, size: int) -> None:
    def build(directory: Path) -> None:
        (directory / "made").write_bytes(bytes(size))

    cached_build(kind, key, build)


def test_it_shows_and_clears(capsys: Capture, own_cache: Path) -> None:
    kinds = {"simulators": 0, "verilated": 0, "netlists": 0, "placements": 0}
    nothing = {"path": str(own_cache), "entries": 0, "kinds": kinds, "bytes": 0}
    nothing |= {"limit_bytes": 3 << 20, "removed_entries": 0, "removed_bytes": 0}
    assert run_cli(capsys, "cache", "--json").json == nothing
    assert not own_cache.exists()
    add("simulators", "a", 1 << 20)
    add("simulators", "b", 1 << 19)
    add("netlists", "c", 1 << 19)
    (own_cache / "mine").write_text("x")
    shown = run_cli(capsys, "cache")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == f"Path     {own_cache}\nEntries  3\nSize     2.0 MiB of 3.0 MiB\n"
    held = nothing | {"entries": 3, "kinds": kinds | {"simulators": 2, "netlists": 1}, "bytes": 2 << 20}
    assert run_cli(capsys, "cache", "--json").json == held
    cleared = nothing | {"removed_entries": 3, "removed_bytes": 2 << 20}
    assert run_cli(capsys, "cache", "--clear", "--json").json == cleared
    # What is nobody's entry stays.
    assert (own_cache / "mine").exists()
    assert "Removed  0 entries" in run_cli(capsys, "cache", "--clear").out


def test_a_limit_that_is_no_size(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWQ_CACHE_LIMIT", "lots")
    assert "HWQ_CACHE_LIMIT is no size: 'lots'" in refused(capsys, "cache")
