"""A list as CSV, which spreadsheets open safely, and as Parquet, which is exact.

The CSV is made safe to open: no text can become a formula, so some cells gain a ``'``.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.exporting.long_lists import export_schema, in_full
from pipelines.exporting.made import Page, Told
from pipelines.outside_text import encodable, spreadsheet_text

if TYPE_CHECKING:
    import pyarrow as pa

JOINER = ";"
WHOLE_NUMBER = 1e15  # beyond, a float no longer tells neighbouring whole numbers apart in the digits printed
BOM = b"\xef\xbb\xbf"
_LINES = 10_000  # written at a time
_ROWS = 50_000  # of a list that is held in columns: about 20 MB of cells
# The csv module of Python 3.11 leaves a lone CR unquoted, which readers take for the end of the row.
_QUOTED = re.compile('[,"\r\n]|\\A | \\Z')
_GROUP = 2**20  # rows of a group of a Parquet file, as pyarrow groups them when it is not told


def write_csv(page: Page, stream: BinaryIO) -> Told:
    """Header and rows, lines ended by LF; with a byte-order mark where the page asks for one."""
    import pyarrow as pa

    told = Told()
    if page.bom:
        stream.write(BOM)
    if isinstance(page.made.frame, pa.Table) and page.columns == page.plain_columns:
        _write_columns(page.made.frame, stream, told)
        return told
    lines = [",".join(column.name for column in page.columns)]
    for row in page.listed:
        cells = [csv_cell(value) for value in row]
        lines.append(",".join(text for text, _ in cells))
        told.replaced += sum(marks for _, marks in cells)
        if len(lines) >= _LINES:
            stream.write(("\n".join(lines) + "\n").encode())
            lines = []
    if lines:
        stream.write(("\n".join(lines) + "\n").encode())
    return told


def _write_columns(table: pa.Table, stream: BinaryIO, told: Told) -> None:
    """The same lines, column by column: each different value is put into words once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    comma, end, nothing = (pa.scalar(text, pa.large_string()) for text in (",", "\n", ""))
    stream.write((",".join(table.column_names) + "\n").encode())
    for part in table.to_batches(max_chunksize=_ROWS):
        lines = pc.binary_join_element_wise(*(_cells(column, told) for column in part.columns), comma)
        lines = pc.binary_join_element_wise(lines, nothing, end)
        stream.write(pc.binary_join(pa.LargeListArray.from_arrays([0, len(lines)], lines), nothing)[0].as_buffer())


def _cells(column: pa.Array, told: Told) -> pa.Array:
    """A column as texts of CSV cells."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_list(column.type):
        column = pc.binary_join(column.cast(pa.list_(pa.string())), JOINER)
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    made = [csv_cell(value) for value in encoded.dictionary.to_pylist()]
    marks = np.array([*(marks for _, marks in made), 0], dtype=np.int64)
    told.replaced += int(marks[np.asarray(pc.fill_null(encoded.indices, len(made)))].sum())
    texts = pa.array([*(text for text, _ in made), ""], pa.large_string())
    return texts.take(pc.fill_null(encoded.indices, len(made)))


def csv_cell(value: object) -> tuple[str, int]:
    """One value as the text of a CSV cell, quoted where need be, and the number of characters replaced in it.

    Numbers stay numbers, with a point and no separators; instants are ISO 8601 in UTC; missing is empty; the members
    of a list are joined by ``;``.
    """
    if not isinstance(value, str | list):
        return plain(value), 0
    text, replaced = spreadsheet_text(joined(value))
    return ('"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text), replaced


def joined(value: str | list[Any]) -> str:
    """A text, or the members of a list in one."""
    return value if isinstance(value, str) else JOINER.join(plain(member) for member in value)


def plain(value: object) -> str:
    """A value as text: numbers with a point and no separators, instants in UTC, missing empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < WHOLE_NUMBER:
        return str(int(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)


def write_parquet(page: Page, stream: BinaryIO) -> Told:
    """Columns with the kinds of their export; texts exactly as they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(page.made.frame, pa.Table) and page.columns == page.plain_columns:
        rows, schema = page.made.frame, export_schema(page.columns)
        with pq.ParquetWriter(stream, schema) as writer:
            for start in range(0, max(len(rows), 1), _GROUP):
                writer.write_table(in_full(rows.slice(start, _GROUP), page.columns), _GROUP)
        return Told()
    schema = export_schema(page.columns)
    by_column = list(zip(*page.listed, strict=True)) or [()] * len(schema)
    arrays = [
        pa.array([_exact(value) for value in values], type=field.type)
        for field, values in zip(schema, by_column, strict=True)
    ]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), stream)
    return Told()


def _exact(value: object) -> object:
    if isinstance(value, str):
        return encodable(value)
    return [_exact(member) for member in value] if isinstance(value, list) else value
