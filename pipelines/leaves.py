"""Replace firms' rows in an Iceberg table by writing anew only the files that hold them, in one commit.

Files are kept as the leaves of a tree would be: a firm's new rows go back to the file it stood in, and a file that
outgrows its size is cut in two. So a commit costs what it changes, however large the table, and in any number of nights
the table does not fall into crumbs. One file at a time is in memory.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.data_files import may_hold, rows_of_files
from pipelines.schemas import arrow_schema
from pipelines.tables import Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as IcebergTable

# 10,000 sites of 20 pages (560 MB in memory), a tenth of them changed, in batches of 170 sites: with files of 8 MB the
# process peaks at 540 MB in any night; with 32 MB and batches of 500 at 750 MB, with one file per shard at 1,720 MB.
LEAF_BYTES = 8 * 2**20  # in memory; a quarter on disk. Writing one takes four times as much memory again
SMALL_BYTES = 2**20  # on disk: a file below takes new firms in, so that small commits do not leave small files


def replace_rows(
    found: IcebergTable, table: Table, firm_ids: Mapping[int, Collection[str]], fresh: pa.Table,
    properties: dict[str, str],
) -> int | None:  # fmt: skip
    """Put ``fresh`` in the place of all rows of ``firm_ids``; files of other shards are not looked at.

    Args:
        found: The table in the lake.
        table: Its schema; partitioned by ``shard``, with a column ``firm_id``.
        firm_ids: Firms whose rows are replaced, by shard; ``fresh`` holds rows of no others.
        fresh: New rows, checked.
        properties: Noted with the commit.

    Returns:
        Rows written, those of other firms in the same files included; ``None`` when nothing differs and nothing was
        committed.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyiceberg.manifest import DataFile

    from pipelines.table_commits import commit_files

    ids = {shard: pa.array(sorted(of), pa.string()) for shard, of in firm_ids.items()}
    fresh = in_order(fresh, table)
    # Whether a row of ``fresh`` went to a file; per file only the rows of its shard and range are looked at, so that
    # the cost of a large replacement does not grow with rows times files.
    placed = np.zeros(fresh.num_rows, bool)
    shard_of_row = fresh["shard"].to_numpy()
    files, field_id = _files(found, ids), int(found.schema().find_field("firm_id").field_id)
    leaves = {
        task.file.file_path: task
        for shard, tasks in files.items()
        for task in tasks
        if may_hold(task.file, field_id, str(ids[shard][0]), str(ids[shard][-1]))
    }
    removed, added, written = list[DataFile](), list[DataFile](), 0
    for path in sorted(leaves):
        rows, shard = rows_of_file(found, table, leaves[path]), leaves[path].file.partition[0]
        ours = pc.is_in(rows["firm_id"], value_set=_within(ids[shard], rows))
        firms = rows.filter(ours)["firm_id"].combine_chunks().unique()
        start, end = _span(fresh, shard_of_row, shard, firms)
        nearby = fresh.slice(start, end - start)
        here = pc.is_in(nearby["firm_id"], value_set=firms).to_numpy() & ~placed[start:end]
        back = nearby.filter(pa.array(here))
        placed[start:end] |= here
        if in_order(rows.filter(ours), table).equals(in_order(back, table)):
            continue
        rows = in_order(pa.concat_tables([rows.filter(pc.invert(ours)), back]), table)
        removed.append(leaves[path].file)
        added += written_files(found, rows)
        written += rows.num_rows
    for shard in np.unique(shard_of_row[~placed]).tolist():
        rows = fresh.filter(pa.array(~placed & (shard_of_row == shard)))
        small = _small(files.get(shard, ()), removed)
        if small is not None:
            removed.append(small.file)
            rows = pa.concat_tables([rows_of_file(found, table, small), rows])
        added += written_files(found, in_order(rows, table))
        written += rows.num_rows
    if not removed and not added:
        return None
    commit_files(found, removed, added, properties)
    pa.default_memory_pool().release_unused()  # Arrow would keep twice of what a commit needs, for a next one
    return written


def in_order(rows: pa.Table, table: Table) -> pa.Table:
    """Rows sorted by shard and key, in one piece."""
    return rows.sort_by([(name, "ascending") for name in ("shard", *table.key)]).combine_chunks()


def _within(ids: pa.StringArray, rows: pa.Table) -> pa.StringArray:
    """The part of sorted ids between the first and the last firm of some rows."""
    import pyarrow.compute as pc

    ends = pc.min_max(rows["firm_id"])
    start = bisect_left(ids, ends["min"].as_py(), key=str)
    return ids.slice(start, bisect_right(ids, ends["max"].as_py(), key=str) - start)


def _span(rows: pa.Table, shard_of_row: npt.NDArray[np.int64], shard: int, firms: pa.StringArray) -> tuple[int, int]:
    """Start and end, in rows in order, of those that can be of these firms of a shard."""
    import numpy as np
    import pyarrow.compute as pc

    if not len(firms):
        return 0, 0
    ids, ends = rows["firm_id"], pc.min_max(firms)
    low, high = (int(end) for end in np.searchsorted(shard_of_row, [shard, shard + 1]))
    start = bisect_left(ids, ends["min"].as_py(), low, high, key=str)
    return start, bisect_right(ids, ends["max"].as_py(), start, high, key=str)


def rows_of_file(found: IcebergTable, table: Table, leaf: FileScanTask) -> pa.Table:
    """All rows of one file; columns younger than the file are null.

    Raises:
        TableError: The file is missing or spoilt.
    """
    from pipelines.lake_reading import readable

    with readable(f"a file of table {table.name}", found):
        return rows_of_files(found, [leaf], arrow_schema(table))


def _files(found: IcebergTable, shards: Collection[int]) -> dict[int, list[FileScanTask]]:
    from pyiceberg.expressions import In

    files: dict[int, list[FileScanTask]] = {}
    for task in found.scan(In("shard", set(shards))).plan_files() if shards else ():
        files.setdefault(int(task.file.partition[0]), []).append(task)
    return files


def _small(files: Sequence[FileScanTask], removed: Collection[DataFile]) -> FileScanTask | None:
    """The smallest file of a shard, if it is small and stands."""
    gone = {file.file_path for file in removed}
    standing = [task for task in files if task.file.file_path not in gone]
    small = min(standing, key=lambda task: (task.file.file_size_in_bytes, task.file.file_path), default=None)
    return small if small is not None and small.file.file_size_in_bytes < SMALL_BYTES else None


def written_files(found: IcebergTable, rows: pa.Table) -> list[DataFile]:
    """Files of rows in order, all of one shard; written, not committed."""
    return [file for part in _cut(rows) for file in files_by_shard(found, part)]


def files_by_shard(found: IcebergTable, rows: pa.Table) -> list[DataFile]:
    """A file of rows for each shard, or several; written, not committed."""
    from pyiceberg.io.pyarrow import _dataframe_to_data_files

    return list(_dataframe_to_data_files(found.metadata, rows, found.io))


def _cut(rows: pa.Table) -> Iterator[pa.Table]:
    """Parts of at most ``LEAF_BYTES``, about equal; no firm is in two of them unless it fills one."""
    parts = -(-rows.nbytes // LEAF_BYTES)
    start, firms = 0, rows["firm_id"] if "firm_id" in rows.column_names else None
    for part in range(1, parts + 1):
        end = rows.num_rows * part // parts
        while firms is not None and start < end < rows.num_rows and firms[end] == firms[end - 1]:
            end += 1
        if end > start:
            yield rows.slice(start, end - start)
            start = end
