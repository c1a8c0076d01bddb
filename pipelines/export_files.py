"""Write an export to a file: CSV for spreadsheets, Parquet for machines, and a note of provenance beside it.

The CSV is made safe to open (no text can become a formula, so some cells gain a ``'``); the Parquet file is exact.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.atomic import replacing
from pipelines.errors import UsageError
from pipelines.export import EXPORTS
from pipelines.frames import rows
from pipelines.outside_text import encodable, spreadsheet_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from pipelines.provenance import Provenance
    from pipelines.tables import Column

JOINER = ";"
WHOLE_NUMBER = 1e15  # beyond, a float no longer tells neighbouring whole numbers apart in the digits printed


@dataclass(frozen=True)
class Written:
    """An export that was written; ``replaced`` counts characters that no text file may hold, shown as a mark."""

    path: Path
    rows: int
    replaced: int
    sha256: str


def write_export(name: str, frame: pd.DataFrame, path: Path, file_format: str, provenance: Provenance) -> Written:
    """Write the export ``name`` to ``path``, and ``path`` + ``.meta.json`` after it.

    The same rows give the same bytes. The note names the file's SHA-256, so that a pair torn by a crash can be told.

    Raises:
        UsageError: Export or format is not known, or there is no such folder, or ``path`` is one.
        TableError: The frame lacks a column of the export.
    """
    if name not in EXPORTS:
        raise UsageError(f"export {name!r} is not known; expected one of {', '.join(EXPORTS)}")
    if file_format not in _WRITERS:
        raise UsageError(f"format {file_format!r} is not known; expected one of {', '.join(_WRITERS)}")
    columns = EXPORTS[name]
    listed = list(rows(frame, [column.name for column in columns]))
    content, replaced = _WRITERS[file_format](columns, listed)
    digest = hashlib.sha256(content).hexdigest()
    note = {
        "export": name,
        "format": file_format,
        "file": path.name,
        "sha256": digest,
        "rows": len(listed),
        "replaced_characters": replaced,
        "columns": {column.name: column.meaning for column in columns},
        **asdict(provenance),
    }
    with replacing(path) as stream:
        stream.write(content)
    text = json.dumps(note, ensure_ascii=False, indent=2) + "\n"
    with replacing(path.with_name(f"{path.name}.meta.json")) as stream:
        stream.write(encodable(text).encode())
    return Written(path, len(listed), replaced, digest)


def csv_cell(value: object) -> tuple[str, int]:
    """One value as the text of a CSV cell, quoted where need be, and the number of characters replaced in it.

    Numbers stay numbers, with a point and no separators; instants are ISO 8601 in UTC; missing is empty; the members
    of a list are joined by ``;``.
    """
    text, replaced = spreadsheet_text(_joined(value)) if isinstance(value, str | list) else (_plain(value), 0)
    # The csv module of Python 3.11 leaves a lone CR unquoted, which readers take for the end of the row.
    if any(special in text for special in ',"\r\n') or text != text.strip(" "):
        text = '"' + text.replace('"', '""') + '"'
    return text, replaced


def _joined(value: str | list[Any]) -> str:
    return value if isinstance(value, str) else JOINER.join(_plain(member) for member in value)


def _plain(value: object) -> str:
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


def _csv(columns: Sequence[Column], listed: list[tuple[Any, ...]]) -> tuple[bytes, int]:
    lines, replaced = [",".join(column.name for column in columns)], 0
    for row in listed:
        cells = [csv_cell(value) for value in row]
        lines.append(",".join(text for text, _ in cells))
        replaced += sum(marks for _, marks in cells)
    return ("\n".join(lines) + "\n").encode(), replaced


def _parquet(columns: Sequence[Column], listed: list[tuple[Any, ...]]) -> tuple[bytes, int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    by_column = list(zip(*listed, strict=True)) or [()] * len(columns)
    arrays = [
        pa.array([_exact(value) for value in values], type=_arrow_type(column))
        for column, values in zip(columns, by_column, strict=True)
    ]
    table = pa.Table.from_arrays(arrays, names=[column.name for column in columns])
    stream = io.BytesIO()
    pq.write_table(table, stream)
    return stream.getvalue(), 0


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


_WRITERS: dict[str, Callable[[Sequence[Column], list[tuple[Any, ...]]], tuple[bytes, int]]] = {
    "csv": _csv,
    "parquet": _parquet,
}
