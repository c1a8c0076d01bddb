"""Keep a derived file in step with tables of the lake, firm by firm, at the cost of what changed.

Commits that happened since are found by comparing the files of each shard, then the digests of its firms. The first
build commits block by block and goes on after a kill; later ones commit once: a reader sees the old words or the new.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from pipelines.crashing import crash_point
from pipelines.derived import Derived
from pipelines.figures import Moment
from pipelines.firm_texts import firm_texts, site_digests
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from classifier.features import FirmText

BLOCK_FIRMS = 2_000  # read and written at once: 10 MB of text, and the most that a kill in the first build costs

SCHEMA = """
create table shards (shard integer primary key, files text not null);
create table firms (
    row integer primary key, firm_id text not null unique, shard integer not null, digest text not null
);
create index firms_by_shard on firms (shard);
"""

Progress = Callable[[int, int], None]


def no_progress(_done: int, _total: int) -> None:
    """Say nothing."""


class Follower(Protocol):
    """What a derived file keeps of a firm, beside the tables of ``SCHEMA``."""

    @property
    def tables(self) -> Sequence[str]:
        """Tables of the lake that it is made from; ``pages`` among them."""

    def add(self, connection: sqlite3.Connection, row: int, firm: FirmText) -> None:
        """Take in a firm's words."""

    def remove(self, connection: sqlite3.Connection, row: int) -> None:
        """Forget a firm."""

    def end_shard(self, connection: sqlite3.Connection, moment: Moment, shard: int) -> None:
        """All firms of a changed shard are in."""

    def end_first(self, connection: sqlite3.Connection) -> None:
        """The first build is about to end."""


def bring_up_to_date(
    derived: Derived, connection: sqlite3.Connection, workspace: Workspace, follower: Follower, progress: Progress
) -> str:
    """Make the file say what the tables say; the answer names that state of the tables.

    Readers that come while it is first made wait for its end; ``progress`` is told of firms done and to do, per shard.
    """
    lake = workspace.open_lake()  # not the workspace's, which looks but once
    try:
        moment = Moment(lake, {name: lake.snapshot(name) for name in follower.tables})
        wanted = json.dumps(moment.snapshots)
        if _state(connection) != wanted:
            with derived.alone():
                before = _state(connection)
                if before != wanted:
                    _catch_up(connection, moment, follower, progress, first=before is None)
                    connection.execute("insert or replace into about values ('state', ?)", (wanted,))
                    crash_point("indexed")
                    connection.execute("commit")
        return wanted
    finally:
        lake.close()


def _catch_up(
    connection: sqlite3.Connection, moment: Moment, follower: Follower, progress: Progress, first: bool
) -> None:
    files = {name: moment.lake.files_by_shard(name, snapshot) for name, snapshot in moment.snapshots.items()}
    held = dict(connection.execute("select shard, files from shards"))
    connection.execute("begin immediate")
    for shard in range(moment.shards):
        stamp = json.dumps([files[name].get(shard) for name in follower.tables])
        if held.get(shard) == stamp:
            continue
        for _ in _index_firms(connection, moment, shard, follower, progress):
            if first:
                connection.execute("commit")
                crash_point("indexed-block")
                connection.execute("begin immediate")
        follower.end_shard(connection, moment, shard)
        connection.execute("insert or replace into shards values (?, ?)", (shard, stamp))
    if first:
        follower.end_first(connection)


def _state(connection: sqlite3.Connection) -> str | None:
    """State of the tables that is wholly in the file; None before the first build ended."""
    row = connection.execute("select value from about where key = 'state'").fetchone()
    return row[0] if row else None


def _index_firms(
    connection: sqlite3.Connection, moment: Moment, shard: int, follower: Follower, progress: Progress
) -> Iterator[None]:
    """Take in the firms of a shard whose words changed, block by block; the caller may commit after each."""
    digests = site_digests(moment, [shard])
    rows = connection.execute("select firm_id, row, digest from firms where shard = ?", (shard,))
    held = {firm_id: (row, digest) for firm_id, row, digest in rows}
    changed = sorted(firm_id for firm_id, digest in digests.items() if held.get(firm_id, (0, ""))[1] != digest)
    for firm_id in held.keys() - digests.keys():
        _forget(connection, held[firm_id][0], follower)
    yield
    words = _Words(moment, shard)
    for start in range(0, len(changed), BLOCK_FIRMS):
        progress(start, len(changed))
        for firm_id, firm in firm_texts(words.of(changed[start : start + BLOCK_FIRMS]), [shard]).items():
            if firm_id in held:
                _forget(connection, held[firm_id][0], follower)
            added = connection.execute(
                "insert into firms (firm_id, shard, digest) values (?, ?, ?)", (firm_id, shard, digests[firm_id])
            )
            follower.add(connection, int(added.lastrowid or 0), firm)
        yield
    if changed:
        progress(len(changed), len(changed))


def _forget(connection: sqlite3.Connection, row: int, follower: Follower) -> None:
    follower.remove(connection, row)
    connection.execute("delete from firms where row = ?", (row,))


class _Words:
    """A shard of ``pages`` read once and handed out by firms: as Python's objects it would be five times as large."""

    def __init__(self, moment: Moment, shard: int) -> None:
        self.shards = moment.shards
        self._moment, self._shard = moment, shard
        self._rows: pa.Table | None = None
        self._firm_ids: Sequence[str] = ()

    def of(self, firm_ids: Sequence[str]) -> _Words:
        """Itself, with these firms only from now on."""
        self._firm_ids = firm_ids
        return self

    def read_arrow(
        self, name: str, columns: Sequence[str] | None = None, shards: Iterable[int] | None = None
    ) -> pa.Table:
        """Rows of the firms chosen."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if self._rows is None:
            self._rows = self._moment.read_arrow(name, columns, shards)
        return self._rows.filter(pc.is_in(self._rows["firm_id"], value_set=pa.array(self._firm_ids, pa.string())))
