"""Write a list to a file, in the format that its reader wants, and a note of provenance beside it.

Which formats an export has depends on what it is: a list of scores has no place on a map. The note is written last and
names the file's SHA-256, so that a pair torn by a crash can be told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pipelines.atomic import replacing
from pipelines.errors import UsageError
from pipelines.exporting import csvw
from pipelines.exporting.columns import EXPORTS
from pipelines.exporting.made import MadeList, Page, Told
from pipelines.exporting.maps import write_geojson, write_kml
from pipelines.exporting.plain import JOINER, csv_cell, write_csv, write_parquet
from pipelines.exporting.sheets import write_xlsx
from pipelines.outside_text import encodable

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.provenance import Provenance

__all__ = ["FORMATS", "JOINER", "MadeList", "Written", "check_format", "csv_cell", "write_export", "write_list"]

NOTE = ".meta.json"  # behind the file's name
_WRITERS: dict[str, Callable[[Page, BinaryIO], Told]] = {
    "csv": write_csv,
    "parquet": write_parquet,
    "xlsx": write_xlsx,
    "geojson": write_geojson,
    "kml": write_kml,
}
_TABLES = ("csv", "parquet", "xlsx")
FORMATS: dict[str, tuple[str, ...]] = {
    "firms": tuple(_WRITERS),
    "scores": _TABLES,
    "cells": (*_TABLES, "geojson"),
    "evidence": _TABLES,
}
_FILLED_IN = ("csv", "xlsx")  # formats that people write their answers into


@dataclass(frozen=True)
class Written:
    """An export that was written.

    ``replaced`` counts characters that no text file may hold, shown as a mark; ``left_out`` rows that the filters took
    away; ``further`` what else had to be done to rows, by its name in the note.
    """

    path: Path
    rows: int
    replaced: int
    sha256: str
    left_out: int = 0
    further: dict[str, int] = field(default_factory=dict)


def check_format(name: str, file_format: str, bom: bool = False) -> None:
    """Raise a UsageError unless there is such an export and it can be had in this format."""
    if name not in EXPORTS:
        raise UsageError(f"export {name!r} is not known; expected one of {', '.join(EXPORTS)}")
    if file_format not in _WRITERS:
        raise UsageError(f"format {file_format!r} is not known; expected one of {', '.join(FORMATS[name])}")
    if file_format not in FORMATS[name]:
        raise UsageError(f"{name} cannot be had as {file_format}; expected one of {', '.join(FORMATS[name])}")
    if bom and file_format != "csv":
        raise UsageError(f"--bom is for CSV; {file_format} has no byte-order mark")


def write_export(name: str, frame: pd.DataFrame, path: Path, file_format: str, provenance: Provenance) -> Written:
    """Write rows of the export ``name``. Raises as :func:`write_list`."""
    return write_list(MadeList(name, frame), path, file_format, provenance)


def write_list(made: MadeList, path: Path, file_format: str, provenance: Provenance, bom: bool = False) -> Written:
    """Write a list to ``path``, and ``path`` + ``.meta.json`` after it; beside cells as CSV also their CSVW metadata.

    The same rows of the same run give the same bytes.

    Raises:
        UsageError: Export or format is not known, or there is no such folder, or ``path`` is one.
        TableError: The frame lacks a column of the export.
    """
    check_format(made.name, file_format, bom)
    page = Page(made, provenance, file_format in _FILLED_IN, bom, names_run=file_format == "xlsx")
    page.check()  # rows that lack a column are refused before a file is begun
    with replacing(path) as stream:
        told = _WRITERS[file_format](page, stream)
        stream.flush()
        with Path(stream.name).open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
    if made.name == "cells" and file_format == "csv":
        _write_json(path.with_name(path.name + csvw.SUFFIX), csvw.cells_metadata(page, path.name))
    note = {
        "export": made.name,
        "format": file_format,
        "file": path.name,
        "sha256": digest,
        "replaced_characters": told.replaced,
        **told.further,
        **page.note(),
        "columns": {column.name: column.meaning for column in page.columns},
    }
    _write_json(path.with_name(path.name + NOTE), note)
    return Written(path, len(made.frame), told.replaced, digest, made.rows_left_out, told.further)


def _write_json(path: Path, value: object) -> None:
    with replacing(path) as stream:
        stream.write(encodable(json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())
