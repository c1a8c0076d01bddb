"""Forget snapshots of an Iceberg table, and delete the files that nothing refers to any more.

pyiceberg 0.12 forgets snapshots but leaves every file. Here the forgetting is committed first; what may be deleted is
then worked out from what the catalog says, so that a rerun after a crash goes on, and files that a killed writer left
behind go too. A snapshot that was current within the last hour stays, and so does any younger file: a reader who opened
the tables keeps an hour to finish, and a writer to commit.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipelines.crashing import crash_point
from pipelines.errors import TableError

if TYPE_CHECKING:
    from pyiceberg.manifest import ManifestFile
    from pyiceberg.table import Table as IcebergTable

GRACE = timedelta(hours=1)


@dataclass(frozen=True)
class Unreferenced:
    """A file that no kept snapshot needs."""

    path: str
    size: int
    data: bool  # rows; else what Iceberg notes about them


@dataclass(frozen=True)
class Look:
    """What a table's files are there for; ``data_files`` are those with rows that some kept snapshot needs."""

    data_files: frozenset[str]
    unreferenced: tuple[Unreferenced, ...]


def to_forget(table: IcebergTable, kept: Collection[int], now: datetime) -> list[int]:
    """Snapshots that belong to no kept state and were current for the last time more than an hour ago, oldest first.

    Args:
        table: The table.
        kept: Snapshots of kept states; the newest is kept whether it is named or not.
        now: The present.
    """
    metadata = table.metadata
    in_order = sorted(metadata.snapshots, key=lambda snapshot: snapshot.sequence_number or 0)
    named = {ref.snapshot_id for ref in metadata.refs.values()} | {metadata.current_snapshot_id} | set(kept)
    until = int((now - GRACE).timestamp() * 1000)
    return [
        snapshot.snapshot_id
        for snapshot, successor in pairwise(in_order)
        if snapshot.snapshot_id not in named and successor.timestamp_ms < until
    ]


def forget(table: IcebergTable, snapshots: Collection[int]) -> None:
    """Commit that these snapshots are no more; files stay. The table's metadata is the new one afterwards."""
    from pyiceberg.exceptions import CommitFailedException
    from pyiceberg.table.update.snapshot import ExpireSnapshots

    from pipelines.table_commits import LeanTransaction  # pyiceberg's own copies all metadata twice for each snapshot

    if not snapshots:
        return
    try:
        ExpireSnapshots(LeanTransaction(table, autocommit=True)).by_ids(list(snapshots)).commit()
    except CommitFailedException:  # a reader of this release brought the table's columns up to date meanwhile
        table.refresh()
        ExpireSnapshots(LeanTransaction(table, autocommit=True)).by_ids(list(snapshots)).commit()


def look(table: IcebergTable, forgotten: Collection[int], now: datetime) -> Look:
    """Sort a table's files into needed and not.

    Args:
        table: The table.
        forgotten: Snapshots to look away from, as if they were no more.
        now: The present; files younger than an hour are not called unreferenced.

    Raises:
        TableError: A file that a kept snapshot needs is missing; then no other may be deleted either.
    """
    from pyarrow.fs import FileSelector
    from pyiceberg.manifest import read_manifest_list

    io: Any = table.io
    metadata = table.metadata
    notes = {table.metadata_location, *(entry.metadata_file for entry in metadata.metadata_log)}
    notes |= {file.statistics_path for file in (*metadata.statistics, *metadata.partition_statistics)}
    manifests: dict[str, ManifestFile] = {}
    needed: set[str] = set()
    for snapshot in metadata.snapshots:
        if snapshot.snapshot_id not in forgotten:
            needed.add(snapshot.manifest_list)
            listed = read_manifest_list(io.new_input(snapshot.manifest_list))
            manifests |= {manifest.manifest_path: manifest for manifest in listed}
    rows = {
        entry.data_file.file_path
        for manifest in manifests.values()
        if manifest.has_added_files() or manifest.has_existing_files()  # half of them only say what went
        for entry in manifest.fetch_manifest_entry(io, discard_deleted=True)
    }
    needed |= manifests.keys()
    place = _path(table, table.location())
    filesystem = io.fs_by_scheme(*io.parse_location(table.location())[:2])
    found = {file.path: file for file in filesystem.get_file_info(FileSelector(place, recursive=True)) if file.is_file}
    data = {_path(table, name) for name in rows}
    must_be = data | {_path(table, name) for name in needed}
    if missing := sorted(must_be - found.keys()):
        raise TableError(
            f"{missing[0]}: {len(missing)} files that the table refers to are missing; nothing was deleted. Put the "
            "lake back from a copy made at this place"
        )
    referenced = must_be | {_path(table, name) for name in notes}
    until = now - GRACE
    return Look(
        frozenset(data),
        tuple(
            Unreferenced(path, file.size, f"{place}/data/" in path)
            for path, file in sorted(found.items())
            if path not in referenced and file.mtime.astimezone(UTC) < until
        ),
    )


def delete(table: IcebergTable, files: Collection[Unreferenced]) -> None:
    """Delete files that nothing refers to."""
    io: Any = table.io
    filesystem = io.fs_by_scheme(*io.parse_location(table.location())[:2])
    for file in files:
        filesystem.delete_file(file.path)
        crash_point("vacuum-deleting")


def _path(table: IcebergTable, location: str) -> str:
    """Where a file lies, as the file system that holds it names it."""
    io: Any = table.io
    return str(io.parse_location(location)[2])
