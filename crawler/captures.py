"""Where archives answer for the URLs of which sites: an index on disk, filled file by file.

A file's rows come in one transaction, so that a killed import reads again only the file in which it was killed. Files
of our own are indexed whole: the order of their records tells one visit from the next, and where a site redirects to.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from crawler.errors import BadUrlError
from crawler.sniff import HTML_LABELS
from crawler.stored import Stored
from crawler.urls import canonical_url
from crawler.warc import Spool, Tally, scan, site_of, wants_sites

OURS = "firmscope/"
REDIRECTS = {301, 302, 303, 307, 308}
TABLES = """
CREATE TABLE IF NOT EXISTS files (
    digest TEXT PRIMARY KEY, path TEXT, bytes INTEGER, own INTEGER, begun TEXT,
    records INTEGER, answers INTEGER, wanted INTEGER, faults INTEGER, fault TEXT);
CREATE TABLE IF NOT EXISTS captures (
    site TEXT, file TEXT, path TEXT, place INTEGER, url TEXT, kind TEXT, status INTEGER, at TEXT, location TEXT);
CREATE INDEX IF NOT EXISTS by_site ON captures (site);
CREATE TABLE IF NOT EXISTS purpose (one INTEGER PRIMARY KEY, text TEXT);
"""


@dataclass(frozen=True, slots=True)
class Capture:
    """Where an archive answers for one URL; ``own``: in a file that this package wrote."""

    path: Path
    offset: int
    url: str
    kind: str
    status: int
    at: datetime
    own: bool


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """What was met in one file."""

    digest: str
    path: Path
    size: int
    records: int
    answers: int
    wanted: int
    faults: int
    fault: str


class CaptureIndex:
    """The index, with a spool file beside it.

    Args:
        folder: Where both lie; made when missing.
        purpose: What the index is for, such as the sites it is filled for. An index made for something else is begun
            anew.
    """

    def __init__(self, folder: Path, purpose: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "captures.db"
        if _purpose_of(path) != purpose:
            path.unlink(missing_ok=True)
            (folder / "spool.warc.gz").unlink(missing_ok=True)
        self._database = _opened(path)
        self._database.execute("INSERT OR REPLACE INTO purpose VALUES (1, ?)", (purpose,))

    def files(self) -> dict[str, IndexedFile]:
        """Files read so far, by digest."""
        sql = "SELECT digest, path, bytes, records, answers, wanted, faults, fault FROM files"
        return {row[0]: IndexedFile(row[0], Path(row[1]), *row[2:]) for row in self._database.execute(sql)}

    def add(
        self, path: Path, digest: str, sites: frozenset[str], progress: Callable[[int], None] | None = None
    ) -> IndexedFile:
        """Read a file and note its records of the sites.

        Args:
            path: WARC or WET file.
            digest: Its SHA-256.
            sites: Keys as ``crawler.warc.site_of`` makes them; a file of our own is noted whole.
            progress: Called with the offset reached.

        Raises:
            OSError: The file cannot be read.
        """
        tally, chosen, path = Tally(), wants_sites(sites), path.resolve()
        spool = Spool(self.folder / "spool.warc.gz")
        found = scan(path, lambda url: _ours(tally) or chosen(url), spool, tally, progress)
        database = self._database
        with _transaction(database):
            database.executemany(
                "INSERT INTO captures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        site_of(url),
                        digest,
                        str(place),
                        offset,
                        url,
                        stored.kind,
                        stored.status,
                        stored.at.isoformat(),
                        to,
                    )
                    for place, offset, stored in found
                    if (url := _canonical(stored.url)) and (_ours(tally) or _may_be_read(stored))
                    for to in (_location(stored, url),)
                ),
            )
            row = (
                digest, str(path), path.stat().st_size, _ours(tally), tally.begun,
                tally.records, tally.answers, tally.wanted, tally.faults, tally.fault,
            )  # fmt: skip
            database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        return self.files()[digest]

    def of(self, sites: Collection[str], files: Collection[str]) -> list[Capture]:
        """Captures of some sites in some files (digests), and of those sites that their pages redirect to.

        They come in the order in which they were written.
        """
        known, further = set(sites), set(sites)
        rows: list[tuple[str, ...]] = []
        for _ in range(2):
            found = [row for site in sorted(further) for row in self._rows(site) if row[1] in files]
            rows += found
            further = {site_of(row[-1]) for row in found if row[-1]} - known - {""}
            known |= further
        rows.sort(key=lambda row: row[:4])
        return [
            Capture(Path(path), int(place), url, kind, int(status), datetime.fromisoformat(at), bool(own))
            for _, _, path, place, url, kind, status, at, own, _ in rows
        ]

    def close(self, *, remove: bool = False) -> None:
        """Let go of the files, and remove them when they are of no more use."""
        self._database.close()
        if remove:
            for path in (self.folder / "captures.db", self.folder / "spool.warc.gz"):
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self.folder.rmdir()

    def _rows(self, site: str) -> Iterable[tuple[str, ...]]:
        sql = (
            "SELECT f.begun, c.file, c.path, c.place, c.url, c.kind, c.status, c.at, f.own, c.location "
            "FROM captures c JOIN files f ON f.digest = c.file WHERE c.site = ?"
        )
        rows: list[tuple[str, ...]] = self._database.execute(sql, (site,)).fetchall()
        return rows


def _purpose_of(path: Path) -> str | None:
    """What an index was made for; ``None`` for one that is missing or damaged."""
    try:
        with contextlib.closing(_opened(path)) as database:
            found = database.execute("SELECT text FROM purpose").fetchone()
    except sqlite3.DatabaseError:
        return None
    return str(found[0]) if found else None


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript(TABLES)
    return database


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _ours(tally: Tally) -> bool:
    return tally.software.startswith(OURS)


def _may_be_read(stored: Stored) -> bool:
    """Whether a record of somebody else's may be a page, a redirect, robots.txt or a sitemap."""
    label = _header(stored, "content-type").partition(";")[0].strip().lower()
    return stored.kind != "response" or stored.status >= 300 or label in HTML_LABELS


def _location(stored: Stored, url: str) -> str:
    to = _header(stored, "location") if stored.status in REDIRECTS else ""
    return _canonical(to, url) if to else ""


def _header(stored: Stored, name: str) -> str:
    return next((value for key, value in stored.headers if key.lower() == name), "")


def _canonical(url: str, base: str = "") -> str:
    try:
        return canonical_url(url, base)
    except BadUrlError:
        return ""
