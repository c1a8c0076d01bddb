"""SQLite files under ``index/`` that are worked out from the tables, and thrown away when anything is wrong with them.

They are never needed by a stage: missing, damaged or made by another release, they are made anew when they are asked.
Readers do not wait for a writer (write-ahead log); one process writes at a time (``flock``, freed when it dies).
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pipelines.errors import FirmscopeError, OutOfSpaceError

PATIENCE_S = 30.0  # for SQLite's own locks, which are held for moments: writers queue for ours
CACHE_KIB = 65_536
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

Answer = TypeVar("Answer")


class DamagedError(FirmscopeError):
    """A derived file cannot be read; it was thrown away, and the same command makes it anew."""


class SpoiltContentError(Exception):
    """What a derived file holds cannot be read, though SQLite sees nothing wrong with it."""


class Derived:
    """One derived file: where it is, what is in it, and which version of that."""

    def __init__(self, path: Path, schema: str, version: str) -> None:
        """Args: the file; the statements that make its tables, beside ``about``; what it has to be made by."""
        self.path = path
        self.schema = schema
        self.version = version

    def using(self, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Do ``work`` on the file, once more on a new one if it turns out to be damaged.

        Raises:
            DamagedError: The new one is damaged too.
            OutOfSpaceError: The disk is full.
        """
        for last in (False, True):
            opened = None
            try:
                with self._opened() as connection:
                    opened = self._inode()
                    return work(connection)
            except (sqlite3.DatabaseError, SpoiltContentError) as error:
                code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
                if "no such module" in str(error):
                    raise FirmscopeError(
                        "this Python's SQLite has no full-text index (FTS5); use another Python"
                    ) from error
                if code == sqlite3.SQLITE_FULL:
                    raise OutOfSpaceError(f"{self.path}: no space left on the disk; free some and run again") from error
                if code not in _DAMAGED:
                    raise
                with self.alone():
                    if opened in (None, self._inode()):  # else somebody has thrown it away already
                        self._throw_away()
                if last:
                    raise DamagedError(f"{self.path} came out damaged twice ({error}); check the disk") from error
        raise AssertionError

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the right to write, after everybody who held it before."""
        self.path.parent.mkdir(exist_ok=True)
        with self.path.with_suffix(".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if not self._is_ours():
            with self.alone():
                if not self._is_ours():
                    self._throw_away()
                    self._make()
        connection = self._connect()
        try:
            yield connection
        finally:
            connection.close()

    def _is_ours(self) -> bool:
        if not self.path.is_file():
            return False
        connection = self._connect()
        try:
            version = connection.execute("select value from about where key = 'version'").fetchone()
            return bool(version == (self.version,))
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return False
        finally:
            connection.close()

    def _make(self) -> None:
        connection = self._connect()
        try:
            connection.execute("pragma journal_mode = wal")
            connection.executescript(f"begin; create table about (key text primary key, value text); {self.schema}")
            connection.execute("insert into about values ('version', ?)", (self.version,))
            connection.execute("commit")
        finally:
            connection.close()

    def _inode(self) -> int:
        return self.path.stat().st_ino if self.path.exists() else 0

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=PATIENCE_S, isolation_level=None)
        connection.execute("pragma synchronous = normal")  # a power cut may take the last commit, never the file
        connection.execute(f"pragma cache_size = -{CACHE_KIB}")
        return connection

    def _throw_away(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
