"""A list as CSV, which spreadsheets open safely, and as Parquet, which is exact.

The CSV is made safe to open: no text can become a formula, so some cells gain a ``'``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from pipelines.exporting.made import Page, Told
from pipelines.outside_text import encodable, spreadsheet_text

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.tables import Column

JOINER = ";"
WHOLE_NUMBER = 1e15  # beyond, a float no longer tells neighbouring whole numbers apart in the digits printed
BOM = b"\xef\xbb\xbf"
_LINES = 10_000  # written at a time


def write_csv(page: Page, stream: BinaryIO) -> Told:
    """Header and rows, lines ended by LF; with a byte-order mark where the page asks for one."""
    told = Told()
    if page.bom:
        stream.write(BOM)
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


def csv_cell(value: object) -> tuple[str, int]:
    """One value as the text of a CSV cell, quoted where need be, and the number of characters replaced in it.

    Numbers stay numbers, with a point and no separators; instants are ISO 8601 in UTC; missing is empty; the members
    of a list are joined by ``;``.
    """
    text, replaced = spreadsheet_text(joined(value)) if isinstance(value, str | list) else (plain(value), 0)
    # The csv module of Python 3.11 leaves a lone CR unquoted, which readers take for the end of the row.
    if any(special in text for special in ',"\r\n') or text != text.strip(" "):
        text = '"' + text.replace('"', '""') + '"'
    return text, replaced


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

    columns = page.columns
    by_column = list(zip(*page.listed, strict=True)) or [()] * len(columns)
    arrays = [
        pa.array([_exact(value) for value in values], type=_arrow_type(column))
        for column, values in zip(columns, by_column, strict=True)
    ]
    pq.write_table(pa.Table.from_arrays(arrays, names=[column.name for column in columns]), stream)
    return Told()


def _exact(value: object) -> object:
    if isinstance(value, str):
        return encodable(value)
    return [_exact(member) for member in value] if isinstance(value, list) else value


def _arrow_type(column: Column) -> pa.DataType:
    import pyarrow as pa

    types: dict[str, pa.DataType] = {
        "text": pa.string(),
        "texts": pa.list_(pa.string()),
        "int": pa.int64(),
        "float": pa.float64(),
        "bool": pa.bool_(),
        "instant": pa.timestamp("us", tz="UTC"),
        "date": pa.date32(),
        "vector": pa.list_(pa.float64()),
    }
    return types[column.kind]
