"""Put small files of a table together: a table that is only appended to would fall into a file for each night.

Rows stay as they are, so that a reader sees the same before and after; the files that went stay on disk for as long as
the state that names them (``pipelines/vacuum.py``). The holder of the workspace's lock does this, and no other writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.leaves import LEAF_BYTES, rows_of_file, written_files
from pipelines.tables import Table

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as IcebergTable

MANY = 8  # small files of a shard, from which on they are put together: a night adds one at most
SMALL_BYTES = 2 * 2**20  # on disk: no file above is looked at, unless its rows compress four times better than most
SMALL_SHARE = 0.5  # of a leaf, in memory. What is put together is larger, so that it is not looked at again
SAME_ROWS = "firmscope.rows-of"
"""Noted with a snapshot that only put files together: the snapshot that held the same rows before."""
FEW_VERSIONS = {"write.metadata.previous-versions-max": "5"}
"""Property of every table. Each commit writes a table's whole metadata anew, and 20 such files were half of what the
lake held beside rows; a few are enough to go back to when the newest is spoilt."""
PLAIN_FLOATS = {"write.parquet.dict-size-bytes": "1"}
"""Property of a table of vectors. No two numbers are alike, so that Parquet's dictionary of them is longer than they
are: 700 real vectors took 1.41 times their size in memory, and take 0.88 times without (zstd)."""


def merge_small(found: IcebergTable, table: Table, properties: dict[str, str]) -> int:
    """Put the small files of each shard together where there are many, in one commit.

    Args:
        found: The table in the lake; its metadata is the new one afterwards.
        table: Its schema.
        properties: Noted with the commit.

    Returns:
        Files that became fewer; 0 when nothing was committed.
    """
    import pyarrow as pa

    from pipelines.leaves import in_order
    from pipelines.table_commits import commit_files

    if _files(found) <= MANY:
        return 0
    removed, added = list["DataFile"](), list["DataFile"]()
    for tasks in _crumbs(found, table):
        rows = pa.concat_tables(rows_of_file(found, table, task) for task in tasks)
        if -(-rows.nbytes // LEAF_BYTES) < len(tasks):
            removed += [task.file for task in tasks]
            added += written_files(found, in_order(rows, table))
    if removed:
        before = rows_id(found, found.metadata.current_snapshot_id)
        commit_files(found, removed, added, properties | {SAME_ROWS: str(before)})
    return len(removed) - len(added)


def rows_id(found: IcebergTable, snapshot_id: int | None) -> int | None:
    """The oldest snapshot with the rows of this one: two whose files alone differ have the same."""
    snapshot = found.snapshot_by_id(snapshot_id) if snapshot_id is not None else None
    same = snapshot.summary.get(SAME_ROWS) if snapshot is not None and snapshot.summary else None
    return int(same) if same is not None else snapshot_id


def by_shard(tasks: Sequence[FileScanTask]) -> dict[int, list[FileScanTask]]:
    """Files of each shard, in the order of their names."""
    found: dict[int, list[FileScanTask]] = {}
    for task in sorted(tasks, key=lambda one: str(one.file.file_path)):
        found.setdefault(int(task.file.partition[0]), []).append(task)
    return dict(sorted(found.items()))


def _crumbs(found: IcebergTable, table: Table) -> list[list[FileScanTask]]:
    """Small files of each shard that has many of them."""
    small = _many([task for task in found.scan().plan_files() if int(task.file.file_size_in_bytes) < SMALL_BYTES])
    if not small:
        return []
    longest = max((task for tasks in small for task in tasks), key=lambda task: int(task.file.record_count))
    row_bytes = rows_of_file(found, table, longest).nbytes / int(longest.file.record_count)
    most = SMALL_SHARE * LEAF_BYTES / row_bytes
    return _many([task for tasks in small for task in tasks if int(task.file.record_count) < most])


def _many(tasks: Sequence[FileScanTask]) -> list[list[FileScanTask]]:
    return [of_shard for of_shard in by_shard(tasks).values() if len(of_shard) > MANY]


def _files(found: IcebergTable) -> int:
    """Files of the table as it stands, as its newest snapshot notes: so looking through all tables costs nothing."""
    snapshot = found.current_snapshot()
    if snapshot is None:
        return 0
    noted = snapshot.summary["total-data-files"] if snapshot.summary else None
    return int(noted) if noted is not None else MANY + 1
