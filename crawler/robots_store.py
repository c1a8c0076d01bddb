"""The last clear robots.txt answer of every host, in a small database beside the archive.

So that a crawl that was killed does not ask again when it goes on, and a host whose robots.txt fails for some days is
read by the rules it had. Losing the file costs requests, never manners, so a damaged one is begun anew.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from crawler.robots import MAX_ROBOTS_BYTES

NAME = "robots.db"
VERSION = 1
KEPT = timedelta(days=30)  # RFC 9309 section 2.3.1.4: for how long an older copy may stand in
MAX_BYTES = 512 * 1024 * 1024  # a million ordinary files; only large ones on purpose come near
PAGE_BYTES = 4096
BUSY_S = 0.5  # waited for another crawl's write, on the crawl's only thread
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}  # the last: not our table
WAITING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
TABLE = """CREATE TABLE IF NOT EXISTS robots (
    authority TEXT PRIMARY KEY, fetched_at REAL NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    digest TEXT NOT NULL) WITHOUT ROWID"""

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Copy:
    """A clear answer as it was kept: final status after redirects, body with its content encoding undone."""

    authority: str
    fetched_at: datetime
    status: int
    body: bytes


class RobotsStore:
    """Opened at first use; several crawls may share one. Never raises: what cannot be stored is not stored.

    Args:
        folder: Existing folder of the archive.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._connection: sqlite3.Connection | None = None
        self._broken = False

    def get(self, authority: str) -> Copy | None:
        """The copy kept for ``scheme://host:port``, if there is one."""
        sql = "SELECT authority, fetched_at, status, body, digest FROM robots WHERE authority = ?"
        row = self._use(lambda database: database.execute(sql, (authority,)).fetchone())
        return _copy(row) if row is not None else None

    def put(self, copy: Copy) -> None:
        """Keep a copy in place of the one before it."""
        body = copy.body[:MAX_ROBOTS_BYTES]
        row = (copy.authority, copy.fetched_at.timestamp(), copy.status, body, _digest(copy.authority, body))
        self._use(lambda database: database.execute("INSERT OR REPLACE INTO robots VALUES (?, ?, ?, ?, ?)", row))

    def newest(self, count: int) -> list[str]:
        """Authorities that answered last, newest first."""
        sql = "SELECT authority FROM robots ORDER BY fetched_at DESC LIMIT ?"
        rows = self._use(lambda database: database.execute(sql, (count,)).fetchall())
        return [str(row[0]) for row in rows or []]

    def close(self) -> None:
        """Give the file back; a later call opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _use(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """What ``work`` makes of the open database; ``None`` when it fails, and a damaged file is removed then."""
        if self._broken:
            return None
        try:
            if self._connection is None:
                self._connection = self._open()
            return work(self._connection)
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code in WAITING:
                log.info("robots.db is in use by another crawl; it is asked again with the next host")
                return None
            self.close()
            if code is not None and code & 0xFF in DAMAGED:
                log.warning("robots.db is damaged (%s) and is begun anew", error)
                self._remove()
            else:
                log.warning("robots.db cannot be used (%s); this crawl goes on without it", error)
                self._broken = True
            return None

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
        try:
            # A process that dies loses nothing by this; a power cut may cost the file, which can be spared.
            database.execute("PRAGMA synchronous = OFF")
            database.execute(f"PRAGMA max_page_count = {MAX_BYTES // PAGE_BYTES}")
            if database.execute("PRAGMA user_version").fetchone()[0] not in {0, VERSION}:
                database.execute("DROP TABLE IF EXISTS robots")
            database.execute(TABLE)
            database.execute(f"PRAGMA user_version = {VERSION}")
            _prune(database, datetime.now(UTC))
        except BaseException:
            database.close()
            raise
        return database

    def _remove(self) -> None:
        for path in (self.path, self.path.with_name(f"{NAME}-journal")):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                log.warning("damaged %s cannot be removed (%s); this crawl goes on without it", path.name, error)
                self._broken = True


def _prune(database: sqlite3.Connection, now: datetime) -> None:
    """Drop what is too old to stand in, and from half the room on the oldest that fill more than that."""
    oldest, newest = (now - KEPT).timestamp(), (now + timedelta(days=1)).timestamp()
    database.execute("DELETE FROM robots WHERE fetched_at < ? OR fetched_at > ?", (oldest, newest))
    kept = "SELECT authority, SUM(length(body) + 200) OVER (ORDER BY fetched_at DESC, authority) AS total FROM robots"
    database.execute(
        f"DELETE FROM robots WHERE authority IN (SELECT authority FROM ({kept}) WHERE total > ?)",  # noqa: S608 (constants)
        (MAX_BYTES // 2,),
    )


def _copy(row: tuple[str, float, int, bytes, str]) -> Copy | None:
    authority, fetched_at, status, body, digest = row
    if digest != _digest(authority, body):
        log.warning("robots.db holds a damaged copy for %s, which is not used", authority)
        return None
    return Copy(authority, datetime.fromtimestamp(fetched_at, UTC), status, body)


def _digest(authority: str, body: bytes) -> str:
    return hashlib.sha256(authority.encode() + b"\n" + body).hexdigest()
