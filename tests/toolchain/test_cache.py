"""The build cache: complete or absent, and never confused between contents."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hwq.errors import ToolError
from hwq.toolchain.cache import cache_entries, cache_limit, cache_root, cached_build, content_key
from hwq.toolchain.verilator import first_error


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HWQ_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_builds_once() -> None:
    calls = []

    def build(directory: Path) -> None:
        calls.append(directory)
        (directory / "made").write_text("x")

    first, was_there = cached_build("kind", "key", build)
    assert not was_there
    second, was_there = cached_build("kind", "key", build)
    assert was_there
    assert first == second
    assert (second / "made").read_text() == "x"
    assert len(calls) == 1


@pytest.mark.parametrize("error", [ToolError("failed"), KeyboardInterrupt()])
def test_a_build_that_ends_early_leaves_nothing(error: BaseException, own_cache: Path) -> None:
    def build(directory: Path) -> None:
        (directory / "half").write_text("x")
        raise error

    with pytest.raises(type(error)):
        cached_build("kind", "key", build)
    assert [path for path in own_cache.rglob("*") if path.is_file()] == []


def test_a_build_that_someone_else_finished_meanwhile_is_theirs() -> None:
    def build(directory: Path) -> None:
        (directory / "who").write_text("me")
        cached_build("kind", "key", lambda theirs: (theirs / "who").write_text("them") and None)

    path, _ = cached_build("kind", "key", build)
    assert (path / "who").read_text() == "them"
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]


def test_keys_tell_contents_and_their_borders_apart() -> None:
    keys = {content_key(parts) for parts in (["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], [])}
    assert len(keys) == 5
    assert content_key(["ab", "c"]) == content_key(iter(["ab", "c"]))


def test_a_cache_that_cannot_be_written_says_what_to_set(own_cache: Path) -> None:
    own_cache.write_text("a file")
    with pytest.raises(ToolError, match=r"cannot write the build cache .*; set HWQ_CACHE"):
        cached_build("kind", "key", lambda directory: None)


def test_without_a_choice_it_lies_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HWQ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "hwq"


@pytest.mark.parametrize(
    "log,expected",
    [
        ("a\n%Error: x.v:3: syntax error\n  3 | (\nlater", "%Error: x.v:3: syntax error\n  3 | ("),
        ("g++ ...\nx.cpp:1:2: error: no such thing\n  1 | int\n", "x.cpp:1:2: error: no such thing\n  1 | int"),
        (
            "python includer a.cpp > all.cpp\n/bin/sh: 1: python: not found\nmake: *** [x.mk:9: all.cpp] Error 127",
            "/bin/sh: 1: python: not found",
        ),
        (
            "g++ -c a.cpp\nmake: g++: No such file or directory\nmake: *** [a.o] Error 127",
            "make: g++: No such file or directory",
        ),
        ("%Error: Command Failed /bin/verilator_bin --cc\nsh: x: Permission denied", "sh: x: Permission denied"),
        ("one\n\ntwo\nthree\nfour\n", "two\nthree\nfour"),
        ("", "it said nothing"),
    ],
)
def test_the_first_error_of_a_log(log: str, expected: str) -> None:
    assert first_error(log) == expected


def test_a_relative_path_is_taken_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HWQ_CACHE", "here")
    assert cache_root() == tmp_path / "here"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HWQ_CACHE", "~/there")
    assert cache_root() == tmp_path / "home" / "there"
    monkeypatch.setenv("HWQ_CACHE", "~nobody-of-this-name/there")
    with pytest.raises(ToolError, match="has no home directory: set HWQ_CACHE"):
        cache_root()


def test_beyond_the_limit_the_least_recently_used_go(monkeypatch: pytest.MonkeyPatch) -> None:
    def add(key: str) -> Path:
        return cached_build(
            "simulators", key, lambda directory: (directory / "made").write_bytes(b"x" * 1000) and None
        )[0]

    ages = {"a": 300, "b": 400, "c": 200, "d": 30}
    for key, age in ages.items():
        then = time.time() - age
        os.utime(add(key), (then, then))
    # What is used again is old no more.
    assert cached_build("simulators", "b", lambda directory: None)[1]
    monkeypatch.setenv("HWQ_CACHE_LIMIT", "3K")
    add("e")
    # a and c are the oldest; d is recent and stays.
    assert sorted(entry.path.name for entry in cache_entries()) == ["b", "d", "e"]
    monkeypatch.setenv("HWQ_CACHE_LIMIT", "0")
    add("f")
    assert sorted(entry.path.name for entry in cache_entries()) == ["b", "d", "e", "f"]


@pytest.mark.parametrize(
    ("text", "size"), [("", 2 << 30), ("0", 0), ("1000", 1000), ("2k", 2048), ("1.5 MiB", 3 << 19), ("3GB", 3 << 30)]
)
def test_sizes(monkeypatch: pytest.MonkeyPatch, text: str, size: int) -> None:
    monkeypatch.setenv("HWQ_CACHE_LIMIT", text)
    assert cache_limit() == size


@pytest.mark.parametrize("text", ["many", "-1", "2X", "nan"])
def test_a_limit_that_is_no_size_is_refused_before_anything_is_built(
    monkeypatch: pytest.MonkeyPatch, text: str, own_cache: Path
) -> None:
    monkeypatch.setenv("HWQ_CACHE_LIMIT", text)
    with pytest.raises(ToolError, match=f"HWQ_CACHE_LIMIT is no size: '{text}'; valid are sizes like 500M or 2G"):
        cached_build("simulators", "key", lambda directory: None)
    assert not own_cache.exists()
