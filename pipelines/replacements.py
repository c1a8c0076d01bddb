"""Put whole shards in the place of what a table holds, one shard at a time in memory, all of them in one commit.

For tables as large as the register: what is written is not visible, and after a crash not there, until the commit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pipelines.errors import TableError
from pipelines.leaves import in_order, written_files
from pipelines.schemas import refuse_doubles, refuse_missing_values
from pipelines.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table as IcebergTable


class Replacement:
    """A replacement of some shards of one table; made by :meth:`pipelines.store.Lake.replacement`."""

    def __init__(
        self, found: IcebergTable, table: Table, properties: dict[str, str], committed: Callable[[int], int]
    ) -> None:
        """Args: the table in the lake; its schema; what is noted with the commit; what is called after it."""
        self._found, self._table, self._properties, self._committed = found, table, properties, committed
        self._removed: list[DataFile] = []
        self._added: list[DataFile] = []
        self._rows = 0

    def put(self, shard: int, held: pa.Table, wanted: pa.Table) -> bool:
        """Write a shard's new rows; returns False, with nothing written, where they are those it holds.

        Args:
            shard: The shard; both tables hold rows of no other.
            held: All rows of the shard as they are in the table now.
            wanted: All rows that it is to have, in the columns of the table.

        Raises:
            TableError: The rows do not fit the table's schema, or two have one key.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        if wanted.schema.names != self._table.names:
            raise TableError(f"table {self._table.name}: columns {wanted.schema.names}, expected {self._table.names}")
        if wanted.num_rows and pc.min_max(wanted["shard"]).as_py() != {"min": shard, "max": shard}:
            raise TableError(f"table {self._table.name}: rows of another shard than {shard}")
        refuse_missing_values(wanted, self._table)
        refuse_doubles(wanted, self._table)
        wanted = in_order(wanted, self._table)
        if held.num_rows == wanted.num_rows and in_order(held, self._table).equals(wanted):
            return False
        del held
        self._removed += [task.file for task in self._found.scan(_in_shard(shard)).plan_files()]
        self._added += written_files(self._found, wanted)
        self._rows += wanted.num_rows
        pa.default_memory_pool().release_unused()
        return True

    def commit(self, notes: Mapping[str, str] | None = None) -> int:
        """Make all that was put visible at once, and note something with the table.

        Returns:
            Rows written; 0 when every shard held its rows already, and then there is no new snapshot.
        """
        from pipelines.table_commits import commit_files, set_notes

        if self._removed or self._added:
            commit_files(self._found, self._removed, self._added, self._properties, notes)
            return self._committed(self._rows)
        if notes:
            set_notes(self._found, notes)
        return 0


def _in_shard(shard: int) -> BooleanExpression:
    from pyiceberg.expressions import EqualTo

    return EqualTo("shard", shard)
