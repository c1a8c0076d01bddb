"""Take a table that an earlier release made on to this release's columns.

Only columns at the end that may be null can be taken on: no row has to be written anew, and history stays readable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.errors import TableError
from pipelines.schemas import iceberg_schema
from pipelines.tables import Table

if TYPE_CHECKING:
    from pyiceberg.table import Table as IcebergTable


def brought_up_to_date(found: IcebergTable, table: Table) -> IcebergTable:
    """The table with every column of this release; those it lacks are added, in one commit.

    Raises:
        TableError: The table has columns that this release does not have, or lacks one that may not be null.
    """
    held, missing = _names(found), table.columns[len(_names(found)) :]
    if held == table.names:
        return found
    if held != table.names[: len(held)] or not all(column.optional for column in missing):
        raise TableError(
            f"table {table.name} was made by another release (columns {held}); "
            "use that release, or start a new workspace and import again"
        )
    from pyiceberg.exceptions import CommitFailedException

    types = {field.name: field.field_type for field in iceberg_schema(table).fields}
    try:
        with found.update_schema() as update:
            for column in missing:
                update.add_column(column.name, types[column.name])
    except CommitFailedException:  # somebody else who opened the lake was faster
        found.refresh()
        if _names(found) != table.names:
            raise
    return found


def _names(found: IcebergTable) -> list[str]:
    return [field.name for field in found.schema().fields]
