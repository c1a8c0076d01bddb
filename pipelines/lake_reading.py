"""Read rows of the lake's tables: by shard, by firm, as of a snapshot; the part that workers have too.

Which files a shard has is worked out once for each snapshot, so that reading a table shard by shard costs the same
however many shards there are.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.data_files import may_hold, rows_of_files
from pipelines.errors import TableError
from pipelines.schemas import arrow_schema
from pipelines.storage import unanswered
from pipelines.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyiceberg.table import FileScanTask
    from pyiceberg.table import Table as IcebergTable

PLANS_KEPT = 12  # tables whose files are remembered; 2,500 files of one take about 10 MB


def shard_of(key: str, shards: int) -> int:
    """Partition of a firm (or of any text key): the same on every machine and in every release."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % shards


@contextmanager
def readable(what: str, found: IcebergTable | None = None) -> Iterator[None]:
    """A file of the lake that is missing, cut or spoilt says so in one sentence, with what to do.

    Args:
        what: What is read, as the beginning of the sentence.
        found: The table, where it is known: it says whether its files are in a bucket.
    """
    import pyarrow as pa

    try:
        yield
    except (OSError, EOFError, ValueError, KeyError, pa.ArrowException) as error:
        if found is not None and found.location().startswith("s3://"):
            raise TableError(unanswered(found.location(), error)) from error
        said = " ".join(str(error).split())[:300]
        raise TableError(
            f"{what} cannot be read ({type(error).__name__}: {said}): firmscope doctor says which file it is, and "
            "firmscope doctor --repair goes back to the last good state"
        ) from error


class TableReader(ABC):
    """Tables of a lake, to be read."""

    def __init__(self, shards: int) -> None:
        """Args: number of shards, fixed when the lake is made."""
        self.shards = shards
        self._plans: dict[tuple[str, int | None], dict[int, list[FileScanTask]]] = {}

    @abstractmethod
    def find(self, name: str) -> IcebergTable | None:
        """The table, unless nothing was written to it yet."""

    def read(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        shards: Iterable[int] | None = None,
        snapshot_id: int | None = None,
    ) -> pd.DataFrame:
        """Rows of a table as a DataFrame, in no promised order; nulls are None or NaN as pandas has them."""
        frame: pd.DataFrame = self.read_arrow(name, columns, shards, snapshot_id).to_pandas()
        return frame

    def read_arrow(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        shards: Iterable[int] | None = None,
        snapshot_id: int | None = None,
    ) -> pa.Table:
        """Rows of a table as Arrow, checked against the schema of this release."""
        wanted = None if shards is None else sorted(set(shards))
        found = self.find(name) if wanted is None or wanted else None
        if found is None:
            return arrow_schema(TABLES[name], columns).empty_table()
        plan = self._plan(name, found, snapshot_id)
        tasks = [task for shard in (sorted(plan) if wanted is None else wanted) for task in plan.get(shard, ())]
        return self._rows(name, columns, found, tasks)

    def read_firms(self, name: str, firm_ids: Collection[str], columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of some firms as Arrow; files that hold none of them are left alone.

        A file knows its first and last firm_id, so this is quick for firms that stand beside each other.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        found = self.find(name) if firm_ids else None
        if found is None:
            return arrow_schema(TABLES[name], columns).empty_table()
        by_shard: dict[int, list[str]] = {}
        for firm_id in firm_ids:
            by_shard.setdefault(shard_of(firm_id, self.shards), []).append(firm_id)
        plan, field_id = self._plan(name, found, None), int(found.schema().find_field("firm_id").field_id)
        tasks = [
            task
            for shard, ids in sorted(by_shard.items())
            for task in plan.get(shard, ())
            if may_hold(task.file, field_id, min(ids), max(ids))
        ]
        fields = list(TABLES[name].names if columns is None else columns)
        with_ids = fields if "firm_id" in fields else [*fields, "firm_id"]
        rows = self._rows(name, with_ids, found, tasks)
        wanted = pc.is_in(rows["firm_id"], value_set=pa.array(sorted(firm_ids), pa.string()))
        return rows.filter(wanted).select(fields)

    def read_files(self, name: str, tasks: Sequence[FileScanTask], columns: Sequence[str]) -> pa.Table:
        """Rows of some files as Arrow."""
        found = self.find(name)
        if found is None:
            return arrow_schema(TABLES[name], columns).empty_table()
        return self._rows(name, columns, found, tasks)

    def files(self, name: str, snapshot_id: int | None = None) -> dict[int, list[FileScanTask]]:
        """Files of a table at a snapshot, by shard; none of a table that was not written yet."""
        found = self.find(name)
        return self._plan(name, found, snapshot_id) if found else {}

    def files_by_shard(self, name: str, snapshot_id: int | None = None) -> dict[int, str]:
        """Digest of the names of each shard's files: they never change, so that equal answers mean equal rows."""
        return {
            shard: hashlib.sha256("\n".join(sorted(task.file.file_path for task in tasks)).encode()).hexdigest()
            for shard, tasks in self.files(name, snapshot_id).items()
        }

    def rows_in(self, name: str) -> int:
        """How many rows a table has, as its files say; none of them is read."""
        return sum(task.file.record_count for tasks in self.files(name).values() for task in tasks)

    def snapshots(self) -> dict[str, int | None]:
        """Newest snapshot of every table; null for a table never written. Two equal answers mean nothing changed."""
        return {name: self.snapshot(name) for name in TABLES}

    def snapshot(self, name: str) -> int | None:
        """Newest snapshot of one table; null for a table never written."""
        found = self.find(name)
        return found.metadata.current_snapshot_id if found else None

    def rows_id(self, name: str, snapshot_id: int | None) -> int | None:
        """Which rows a snapshot of a table holds: equal for two of which the later only put files together."""
        from pipelines.compaction import rows_id

        found = self.find(name)
        return rows_id(found, snapshot_id) if found else snapshot_id

    def rows_now(self, name: str) -> int | None:
        """The same of its newest snapshot."""
        return self.rows_id(name, self.snapshot(name))

    def notes(self, name: str) -> dict[str, str]:
        """What was noted with a table, such as which editions of the register it holds."""
        found = self.find(name)
        return dict(found.properties) if found else {}

    def _plan(self, name: str, found: IcebergTable, snapshot_id: int | None) -> dict[int, list[FileScanTask]]:
        at = snapshot_id if snapshot_id is not None else found.metadata.current_snapshot_id
        if at is None:
            return {}
        key = (name, at)
        if key not in self._plans:
            if len(self._plans) >= PLANS_KEPT:
                self._plans.pop(next(iter(self._plans)))
            plan: dict[int, list[FileScanTask]] = {}
            with readable(f"a list of files of table {name}", found):
                for task in found.scan(snapshot_id=at).plan_files():
                    plan.setdefault(int(task.file.partition[0]), []).append(task)
            self._plans[key] = plan
        return self._plans[key]

    def _rows(
        self,
        name: str,
        columns: Sequence[str] | None,
        found: IcebergTable,
        tasks: Sequence[FileScanTask],
    ) -> pa.Table:
        with readable(f"a file of table {name}", found):
            return rows_of_files(found, tasks, arrow_schema(TABLES[name], columns))


class SomeFirms:
    """The tables of a lake as if these firms were all there are."""

    def __init__(self, lake: TableReader, firm_ids: Collection[str]) -> None:
        """Args: the lake; the firms."""
        self.shards = lake.shards
        self._lake, self._firm_ids = lake, firm_ids

    def read_arrow(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        shards: Iterable[int] | None = None,  # noqa: ARG002
    ) -> pa.Table:
        """Rows of a table, of these firms, whatever shards are asked for."""
        return self._lake.read_firms(name, self._firm_ids, columns)
