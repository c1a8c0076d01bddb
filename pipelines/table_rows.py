"""Rows on their way into a table: as Arrow, in the table's columns, with their shard, and none that does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pipelines.errors import TableError
from pipelines.lake_reading import shard_of
from pipelines.schemas import arrow_schema, refuse_missing_values, refuse_unknown_columns
from pipelines.tables import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

Rows: TypeAlias = "Sequence[Mapping[str, Any]] | pa.Table"  # what a table is given: records, or Arrow


def checked_rows(name: str, rows: Rows, shards: int) -> pa.Table:
    """Rows of a table as Arrow; records get their ``shard``.

    Raises:
        TableError: A column is missing or unknown, a value does not fit, or one that must be there is not.
    """
    import pyarrow as pa

    table = TABLES[name]
    if isinstance(rows, pa.Table):
        fresh = rows
    else:
        shard_by = "firm_id" if "firm_id" in table.names else table.key[0]
        records = [{"shard": shard_of(str(row[shard_by]), shards), **row} for row in rows]
        refuse_unknown_columns(records, table)
        try:
            fresh = pa.Table.from_pylist(records, schema=arrow_schema(table))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise TableError(f"table {name}: a value does not fit its column: {error}") from error
    if fresh.schema.names != table.names:
        raise TableError(f"table {name}: columns {fresh.schema.names}, expected {table.names}")
    refuse_missing_values(fresh, table)
    return fresh


def sharded(name: str, rows: pa.Table, shards: int) -> pa.Table:
    """Rows of a table that is not about firms, with the column ``shard`` put in front."""
    import pyarrow as pa

    encoded = rows[TABLES[name].key[0]].combine_chunks().dictionary_encode()
    of_key = pa.array([shard_of(str(key), shards) for key in encoded.dictionary.to_pylist()], pa.int64())
    return rows.add_column(0, arrow_schema(TABLES[name], ["shard"]).field(0), of_key.take(encoded.indices))
