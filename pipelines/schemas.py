"""Turn a table's schema into Arrow's and Iceberg's, and refuse rows that do not fit it before anything is written.

A number that is not a number is never let in: NaN compares with nothing, and would pass every later check unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.errors import TableError
from pipelines.tables import Kind, Table

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.schema import Schema


def arrow_schema(table: Table, columns: Sequence[str] | None = None) -> pa.Schema:
    """Arrow schema of a table, or of some of its columns in the given order."""
    import pyarrow as pa

    types: dict[Kind, pa.DataType] = {
        "text": pa.string(),
        "texts": pa.list_(pa.field("element", pa.string(), nullable=False)),
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "instant": pa.timestamp("us", tz="UTC"),
        "date": pa.date32(),
        "vector": pa.list_(pa.field("element", pa.float32(), nullable=False)),
    }
    by_name = {column.name: column for column in table.columns}
    chosen = [by_name[name] for name in (table.names if columns is None else columns)]
    return pa.schema([pa.field(column.name, types[column.kind], nullable=column.optional) for column in chosen])


def iceberg_schema(table: Table) -> Schema:
    """Iceberg schema of a table; a column's place gives its field id, which is what history is read by."""
    from pyiceberg import types
    from pyiceberg.schema import Schema

    plain: dict[Kind, types.IcebergType] = {
        "text": types.StringType(),
        "int": types.LongType(),
        "float": types.DoubleType(),
        "bool": types.BooleanType(),
        "instant": types.TimestamptzType(),
        "date": types.DateType(),
    }
    elements: dict[Kind, types.IcebergType] = {"texts": types.StringType(), "vector": types.FloatType()}

    def type_of(place: int, kind: Kind) -> types.IcebergType:
        if kind in elements:
            return types.ListType(element_id=1000 + place, element=elements[kind], element_required=True)
        return plain[kind]

    return Schema(
        *(
            types.NestedField(place, column.name, type_of(place, column.kind), required=not column.optional)
            for place, column in enumerate(table.columns, start=1)
        )
    )


def refuse_unknown_columns(records: Iterable[Mapping[str, Any]], table: Table) -> None:
    """Raise a TableError when a record has a column that the table does not have."""
    known = set(table.names)
    for number, record in enumerate(records):
        extra = sorted(set(record) - known)
        if extra:
            raise TableError(
                f"table {table.name}, row {number}: unknown column {extra[0]!r}; columns are {table.names}"
            )


def refuse_missing_values(rows: pa.Table, table: Table) -> None:
    """Raise a TableError when a required value is null, or a number is not finite."""
    import pyarrow.compute as pc

    for column in table.columns:
        values = rows[column.name]
        bad = pc.is_null(values, nan_is_null=False)
        if column.optional:
            bad = pc.and_(bad, False)
        if column.kind == "float":
            finite = pc.fill_null(pc.is_finite(values), True)
            bad = pc.or_(bad, pc.invert(finite))
        if pc.any(bad).as_py():
            row = bad.to_pylist().index(True)
            raise TableError(
                f"table {table.name}, row {row}, column {column.name}: {values[row].as_py()!r} is not allowed; "
                f"expected {column.meaning}"
            )


def refuse_doubles(rows: pa.Table, table: Table) -> None:
    """Raise a TableError when two rows have one key."""
    if rows.num_rows < 2:
        return
    counts = rows.group_by(list(table.key)).aggregate([([], "count_all")])
    if counts.num_rows != rows.num_rows:
        double = next(row for row in counts.to_pylist() if row["count_all"] > 1)
        raise TableError(f"table {table.name}: key {[double[name] for name in table.key]} would stand there twice")
