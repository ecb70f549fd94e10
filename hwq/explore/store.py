"""Results of a sweep in SQLite: one row for each point, written as it is known, and what points share.

Every change is one transaction, so that what a killed sweep leaves behind is whole. A lock tells whether somebody works
on it; the system drops it when its owner dies, however it does.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwq.errors import ConfigError, ToolError

FILE = "results.sqlite"
"""The database, in the folder of a sweep's results."""

_LOCK = "results.lock"
_FORMAT = 1
_LOOKS = 20

_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE points (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    choices TEXT NOT NULL,
    known TEXT NOT NULL,
    project TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('waiting', 'running', 'done', 'failed')),
    metrics TEXT,
    error TEXT
);
CREATE INDEX points_by_status ON points (status);
CREATE TABLE work (key TEXT PRIMARY KEY, result TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Row:
    """One point of the results.

    ``number`` counts from 1 in the sweep's order, ``choices`` are what its axes chose, ``known`` are these and the keys
    that they set, ``project`` is its YAML, ``metrics`` are empty unless its ``status`` is ``done``, and ``error`` is
    there where it is ``failed``.
    """

    number: int
    choices: Mapping[str, Any]
    project: str
    status: str
    metrics: Mapping[str, Any]
    error: str | None
    known: Mapping[str, Any]


@dataclass(frozen=True)
class NewPoint:
    """A point to be entered: ``key`` changes with everything its figures depend on."""

    key: str
    choices: Mapping[str, Any]
    known: Mapping[str, Any]
    project: str

    @property
    def columns(self) -> tuple[str, str, str, str]:
        """What its row holds from the beginning."""
        return self.key, json.dumps(self.choices), json.dumps(self.known), self.project


@dataclass(frozen=True)
class Counts:
    """How far a sweep is; ``running`` is 0 where nobody works on it."""

    total: int
    done: int
    failed: int
    running: int


class Store:
    """The results in ``folder``; made by `create_store` and `open_store`, closed by ``close``."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection

    def close(self) -> None:
        """Let go of the files."""
        self._connection.close()

    # -- what the sweep is ---------------------------------------------------------------------------------------

    def fact(self, name: str) -> Any:
        """A fact of the sweep as a plain value; KeyError where there is none."""
        with _failures(self.folder):
            found = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        if found is None:
            raise KeyError(name)
        return json.loads(found[0])

    def enter(self, facts: Mapping[str, Any], points: Sequence[NewPoint], *, retry: bool) -> None:
        """Make the sweep's points be ``points``: those that were there keep what is known of them.

        Those that were running wait again, with ``retry`` also those that failed.
        """
        again = ("running", "failed") if retry else ("running",)
        with self._changes() as connection:
            known = {
                key: ("waiting", None, None) if status in again else (status, metrics, error)
                for key, status, metrics, error in connection.execute("SELECT key, status, metrics, error FROM points")
            }
            connection.execute("DELETE FROM points")
            connection.executemany(
                "INSERT INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        n,
                        p.key,
                        json.dumps(p.choices),
                        json.dumps(p.known),
                        p.project,
                        *known.get(p.key, ("waiting", None, None)),
                    )
                    for n, p in enumerate(points, 1)
                ),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)", ((name, json.dumps(facts[name])) for name in facts)
            )

    # -- what becomes of points ----------------------------------------------------------------------------------

    def waiting(self) -> list[int]:
        """Numbers of the points that are still to be evaluated."""
        with _failures(self.folder):
            found = self._connection.execute("SELECT number FROM points WHERE status = 'waiting' ORDER BY number")
            return [number for (number,) in found]

    def begin(self, numbers: Iterable[int]) -> None:
        """Somebody works on these points."""
        self._set((number, "running", None, None) for number in numbers)

    def leave(self) -> None:
        """Nobody works on any point any more."""
        with self._changes() as connection:
            connection.execute("UPDATE points SET status = 'waiting' WHERE status = 'running'")

    def finish(self, metrics: Mapping[int, Mapping[str, Any]], work: Mapping[str, Any] | None = None) -> None:
        """The figures of points by number, and shared work by key, in one step."""
        self._set(((number, "done", json.dumps(dict(found)), None) for number, found in metrics.items()), work)

    def fail(self, numbers: Iterable[int], error: str) -> None:
        """Points that cannot be evaluated, and why."""
        self._set((number, "failed", None, error) for number in numbers)

    def work(self, key: str) -> Any:
        """Shared work that has been done, or ``None``."""
        with _failures(self.folder):
            found = self._connection.execute("SELECT result FROM work WHERE key = ?", (key,)).fetchone()
        return None if found is None else json.loads(found[0])

    def _set(
        self, changes: Iterable[tuple[int, str, str | None, str | None]], work: Mapping[str, Any] | None = None
    ) -> None:
        with self._changes() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO work VALUES (?, ?)",
                ((key, json.dumps(result)) for key, result in (work or {}).items()),
            )
            connection.executemany(
                "UPDATE points SET status = ?2, metrics = ?3, error = ?4 WHERE number = ?1",
                changes,
            )

    # -- what is known -------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        """How far the sweep is."""
        with _failures(self.folder):
            found = dict(self._connection.execute("SELECT status, COUNT(*) FROM points GROUP BY status").fetchall())
        running = found.get("running", 0) if _locked(self.folder) else 0
        return Counts(sum(found.values()), found.get("done", 0), found.get("failed", 0), running)

    def rows(self) -> Iterator[Row]:
        """Every point, in the sweep's order."""
        with _failures(self.folder):
            for number, choices, project, status, metrics, error, known in self._connection.execute(
                "SELECT number, choices, project, status, metrics, error, known FROM points ORDER BY number"
            ):
                figures = json.loads(metrics or "{}")
                yield Row(number, json.loads(choices), project, status, figures, error, json.loads(known))

    @contextmanager
    def _changes(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it, or on an error nothing."""
        with _failures(self.folder):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.commit()


@contextmanager
def writing(folder: Path) -> Iterator[Store]:
    """The results in ``folder``, made where there are none, for the only one who writes them.

    Raises
    ------
    ConfigError
        Another sweep writes them, or the folder holds something else of their name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        if not _take(lock):
            raise ConfigError(f"{folder}: another hwq sweep writes its results there; wait for it, or end it")
        store = _connect(folder, create=True)
        try:
            yield store
        finally:
            store.close()
    finally:
        os.close(lock)


@contextmanager
def reading(folder: Path) -> Iterator[Store]:
    """The results in ``folder``.

    Raises
    ------
    ConfigError
        There are none.
    """
    if not (folder / FILE).is_file():
        what = "holds no results of a sweep" if folder.is_dir() else "no such folder"
        raise ConfigError(f"{folder}: {what}; hwq sweep SWEEP.yaml -o {folder} makes them")
    store = _connect(folder, create=False)
    try:
        yield store
    finally:
        store.close()


def _take(lock: int) -> bool:
    """Lock for writing; whoever only looks whether it is locked holds it for a moment."""
    for _ in range(_LOOKS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(0.02)
    return False


def _connect(folder: Path, *, create: bool) -> Store:
    with _failures(folder):
        connection = sqlite3.connect(folder / FILE, timeout=60, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # Safe against anything that ends processes; a power cut may cost the last points, never the file.
            connection.execute("PRAGMA synchronous = NORMAL")
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
            if found == 0 and not tables and create:
                connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {_FORMAT}; COMMIT;")
            elif found != _FORMAT:
                raise ConfigError(f"{folder / FILE}: not results that this hwq knows; move it away")
        except BaseException:
            connection.close()
            raise
    return Store(folder, connection)


def _locked(folder: Path) -> bool:
    """Whether somebody writes the results."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(lock)


@contextmanager
def _failures(folder: Path) -> Iterator[None]:
    """What SQLite complains of, as errors of hwq."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        path = folder / FILE
        if "not a database" in str(error) or "malformed" in str(error) or "no such table" in str(error):
            raise ConfigError(f"{path}: damaged, or not the results of a sweep ({error}); move it away") from None
        raise ToolError(f"{path}: {error}") from None
