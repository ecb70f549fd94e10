"""Results: what is entered stays, whatever happens to whoever writes them."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from hwq.errors import ConfigError
from hwq.explore.store import FILE, Counts, NewPoint, reading, writing

_ROOT = Path(__file__).parents[2]


def point(name: str) -> NewPoint:
    return NewPoint(name, {"a": name}, {"a": name, "b.c": 1}, f"model: {name}\n")


def test_points_keep_what_is_known_of_them_when_the_sweep_changes(tmp_path: Path) -> None:
    with writing(tmp_path / "deep" / "out") as store:
        store.enter({"axes": ["a"]}, [point("x"), point("y"), point("z"), point("w")], retry=False)
        store.begin([1, 2])
        store.finish({1: {"cycles": 7}}, {"key": {"r": 1}})
        store.fail([3], "no")
        assert store.counts() == Counts(4, 1, 1, 1)
        store.enter({"axes": ["b"]}, [point("z"), point("new"), point("x"), point("y")], retry=False)
        assert [(r.number, r.choices["a"], r.status, r.metrics, r.error) for r in store.rows()] == [
            (1, "z", "failed", {}, "no"),
            (2, "new", "waiting", {}, None),
            (3, "x", "done", {"cycles": 7}, None),
            (4, "y", "waiting", {}, None),
        ]
        assert store.waiting() == [2, 4]
        assert (store.fact("axes"), store.work("key"), store.work("other")) == (["b"], {"r": 1}, None)
        store.enter({}, [point("z"), point("x")], retry=True)
        assert [row.status for row in store.rows()] == ["waiting", "done"]
    with reading(tmp_path / "deep" / "out") as store:
        (first, _) = store.rows()
        assert (first.project, first.known) == ("model: z\n", {"a": "z", "b.c": 1})
        with pytest.raises(KeyError):
            store.fact("none")


def test_running_points_of_the_dead_are_not_running(tmp_path: Path) -> None:
    with writing(tmp_path) as store:
        store.enter({}, [point("x")], retry=False)
        store.begin([1])
        with reading(tmp_path) as reader:
            assert reader.counts().running == 1
    with reading(tmp_path) as reader:
        assert reader.counts() == Counts(1, 0, 0, 0)


def test_one_writes_and_many_read(tmp_path: Path) -> None:
    with writing(tmp_path) as store:
        store.enter({}, [point("x")], retry=False)
        with pytest.raises(ConfigError, match="another hwq sweep writes its results there"), writing(tmp_path):
            pass
        with reading(tmp_path) as one, reading(tmp_path) as other:
            assert one.counts() == other.counts() == Counts(1, 0, 0, 0)
    with writing(tmp_path):
        pass


def test_a_killed_writer_leaves_whole_results(tmp_path: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from hwq.explore.store import NewPoint, writing
with writing(Path(sys.argv[1])) as store:
    store.enter({}, [NewPoint(str(n), {}, {}, "") for n in range(100)], retry=False)
    store.begin([1, 2, 3])
    store.finish({1: {"cycles": 1}, 2: {"cycles": 2}})
    changes = store._changes()
    with changes as connection:
        connection.execute("DELETE FROM points WHERE number > 50")
        os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=_ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    with reading(tmp_path) as store:
        assert store.counts() == Counts(100, 2, 0, 0)
    with writing(tmp_path) as store:
        assert sum(1 for _ in store.rows()) == 100


def test_what_is_no_results_is_said_so(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"none: no such folder; hwq sweep SWEEP\.yaml -o "),
        reading(tmp_path / "none"),
    ):
        pass
    with pytest.raises(ConfigError, match="holds no results of a sweep"), reading(tmp_path):
        pass
    (tmp_path / FILE).write_bytes(os.urandom(5000))
    for opening in (reading, writing):
        with pytest.raises(ConfigError, match=r"results\.sqlite: damaged, or not the results"), opening(tmp_path):
            pass
    (tmp_path / FILE).unlink()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("CREATE TABLE others (a)")
    connection.close()
    for opening in (reading, writing):
        with pytest.raises(ConfigError, match=r"results\.sqlite: not results that this hwq knows"), opening(tmp_path):
            pass
