"""Put small files of a table together: a table that is only appended to would fall into a file for each night.

Rows stay as they are, so that a reader sees the same before and after; the files that went stay on disk for as long as
the state that names them (``pipelines/vacuum.py``). The holder of the workspace's lock does this, and no other writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipelines.leaves import rows_of_file, written_files
from pipelines.tables import Table

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as IcebergTable

MANY = 8  # small files of a shard, from which on they become one: a night adds one at most
SMALL_BYTES = 2 * 2**20  # on disk: about a whole leaf's (leaves.LEAF_BYTES in memory)
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
    from pipelines.table_commits import commit_files

    if _files(found) <= MANY:
        return 0
    removed, added = list["DataFile"](), list["DataFile"]()
    for tasks in _crumbs(list(found.scan().plan_files())):
        removed += [task.file for task in tasks]
        added += written_together(found, table, tasks)
    if removed:
        commit_files(found, removed, added, properties)
    return len(removed) - len(added)


def written_together(found: IcebergTable, table: Table, tasks: Sequence[FileScanTask]) -> list[DataFile]:
    """Files, not committed yet, with the rows of some files of one shard."""
    import pyarrow as pa

    from pipelines.leaves import in_order

    return written_files(found, in_order(pa.concat_tables(rows_of_file(found, table, task) for task in tasks), table))


def by_shard(tasks: Sequence[FileScanTask]) -> dict[int, list[FileScanTask]]:
    """Files of each shard, in the order of their names."""
    found: dict[int, list[FileScanTask]] = {}
    for task in sorted(tasks, key=lambda one: str(one.file.file_path)):
        found.setdefault(int(task.file.partition[0]), []).append(task)
    return dict(sorted(found.items()))


def _crumbs(tasks: Sequence[FileScanTask]) -> list[list[FileScanTask]]:
    """Small files of each shard that has many of them."""
    small = [task for task in tasks if _size(task.file) < SMALL_BYTES]
    return [of_shard for of_shard in by_shard(small).values() if len(of_shard) > MANY]


def _files(found: IcebergTable) -> int:
    """Files of the table as it stands, as its newest snapshot notes: so looking through all tables costs nothing."""
    snapshot = found.current_snapshot()
    if snapshot is None:
        return 0
    noted = snapshot.summary["total-data-files"] if snapshot.summary else None
    return int(noted) if noted is not None else MANY + 1


def _size(file: Any) -> int:
    return int(file.file_size_in_bytes)
