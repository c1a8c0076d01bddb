"""Firms whose rows of a table changed since a snapshot: a stage that looks at these alone costs what changed.

Only files that one of the two snapshots has and the other has not are read, and of these only the columns that matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.lake_reading import TableReader
from pipelines.schemas import arrow_schema
from pipelines.tables import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

NOTHING = "\x00"  # stands for null, which equals nothing in a join; no text of ours has it
BETWEEN = "\x01"  # between the texts of a list


def changed_firms(lake: TableReader, name: str, since: int | None, columns: Sequence[str]) -> set[str] | None:
    """Firms of which rows came, went, or are others in these columns.

    Args:
        lake: The tables.
        name: A table with a column ``firm_id``.
        since: Snapshot to compare with the newest; None: there were no rows.
        columns: Columns that matter; with ``firm_id`` they tell the rows of a firm apart.

    Returns:
        ``firm_id`` of each; None when the snapshot is not kept any more, and any firm may have changed.
    """
    found = lake.find(name)
    if found is None:
        return set()
    if since is not None and found.snapshot_by_id(since) is None:
        return None
    before = lake.files(name, since) if since is not None else {}
    after = lake.files(name)
    wanted = ["firm_id", *columns]
    changed: set[str] = set()
    for shard in before.keys() | after.keys():
        old = {task.file.file_path: task for task in before.get(shard, ())}
        new = {task.file.file_path: task for task in after.get(shard, ())}
        if old.keys() == new.keys():
            continue
        left = [old[path] for path in sorted(old.keys() - new.keys())]
        come = [new[path] for path in sorted(new.keys() - old.keys())]
        held = lake.read_files(name, left, wanted) if left else _empty(name, wanted)
        fresh = lake.read_files(name, come, wanted) if come else _empty(name, wanted)
        changed |= _differing(_flat(held), _flat(fresh))
    return changed


def _empty(name: str, columns: Sequence[str]) -> pa.Table:
    return arrow_schema(TABLES[name], columns).empty_table()


def _differing(held: pa.Table, fresh: pa.Table) -> set[str]:
    found: set[str] = set()
    for one, other in ((held, fresh), (fresh, held)):
        if one.num_rows:
            alone = one.join(other, keys=one.column_names, join_type="left anti") if other.num_rows else one
            found.update(alone["firm_id"].unique().to_pylist())
    return found


def _flat(rows: pa.Table) -> pa.Table:
    """Rows whose values can be compared by a join: no lists, no nulls."""
    import pyarrow as pa
    import pyarrow.compute as pc

    made = {}
    for field in rows.schema:
        values = rows[field.name]
        if pa.types.is_list(field.type) or pa.types.is_large_list(field.type):
            values = pc.binary_join(values.cast(pa.list_(pa.string())), BETWEEN)
        elif not pa.types.is_string(field.type):
            values = values.cast(pa.string())
        made[field.name] = pc.fill_null(values, NOTHING)
    return pa.table(made)
