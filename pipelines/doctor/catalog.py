"""The lake's catalog as SQLite holds it, read and mended without pyiceberg, which cannot open one that is spoilt.

The catalog holds one row a table: where its newest metadata file lies. All else is in files, so that a lost catalog
costs nothing once the rows are written again.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.doctor.findings import first_words
from pipelines.lake_folder import CATALOG, NAMESPACE

if TYPE_CHECKING:
    from pipelines.storage import Storage

ASIDE = ".spoilt"  # ending of a catalog that was put aside
_ROWS = "SELECT table_name, metadata_location FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ?"
_MOVE = (
    "UPDATE iceberg_tables SET previous_metadata_location = metadata_location, metadata_location = ? "
    "WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?"
)


@dataclass(frozen=True)
class Catalog:
    """Tables with their newest metadata; ``fault``: why the catalog cannot be used, then there are none."""

    locations: Mapping[str, str]
    fault: str = ""


def read_catalog(lake: Path) -> Catalog:
    """What the catalog says, SQLite's own check passed first. A catalog that is locked is waited for."""
    path = lake / CATALOG
    if not path.is_file():
        return Catalog({}, "is missing")
    if not path.stat().st_size:
        return Catalog({}, "is empty")
    try:
        with contextlib.closing(_opened(path)) as database:
            said = "; ".join(str(row[0]) for row in database.execute("PRAGMA quick_check(3)"))
            if said != "ok":
                return Catalog({}, f"is spoilt: {' '.join(said.split())}")
            rows = database.execute(_ROWS, (NAMESPACE, NAMESPACE)).fetchall()
    except sqlite3.Error as error:
        return Catalog({}, f"cannot be read: {first_words(error)}")
    if not all(isinstance(cell, str) for row in rows for cell in row):
        return Catalog({}, "is spoilt: a row is not text")
    return Catalog(dict(rows))


def quick_check(path: Path) -> str:
    """What SQLite finds wrong with a file; empty when nothing."""
    try:
        with contextlib.closing(_opened(path)) as database:
            said = "; ".join(str(row[0]) for row in database.execute("PRAGMA quick_check(3)"))
    except sqlite3.Error as error:
        return first_words(error)
    return "" if said == "ok" else " ".join(said.split())


def put_aside(lake: Path) -> str:
    """Move a catalog that cannot be used out of the way, with what SQLite keeps beside it; the new name, or empty."""
    path = lake / CATALOG
    for ending in ("-journal", "-wal", "-shm"):  # of the spoilt file: with a new one they would be played back
        (lake / f"{CATALOG}{ending}").unlink(missing_ok=True)
    if not path.exists():
        return ""
    aside = lake / f"{CATALOG}{ASIDE}"
    path.replace(aside)
    return aside.name


def enter(lake: Path, locations: Mapping[str, str], storage: Storage | None = None) -> None:
    """Write where tables' newest metadata files lie, in a bucket if so; a catalog that is missing is made."""
    from pyiceberg.catalog.sql import SqlCatalog

    place = lake.resolve()
    warehouse, properties = (storage.lake, storage.properties()) if storage else (f"file://{place}", {})
    catalog = SqlCatalog(NAMESPACE, uri=f"sqlite:///{place / CATALOG}", warehouse=warehouse, **properties)
    try:
        catalog.create_namespace_if_not_exists(NAMESPACE)
        known = {table for _, table in catalog.list_tables(NAMESPACE)}
        for name, location in locations.items():
            if name not in known:
                catalog.register_table(f"{NAMESPACE}.{name}", location)
    finally:
        catalog.close()
    with contextlib.closing(sqlite3.connect(place / CATALOG, timeout=10)) as database, database:
        for name in known & locations.keys():
            database.execute(_MOVE, (locations[name], NAMESPACE, NAMESPACE, name))


def _opened(path: Path) -> sqlite3.Connection:
    """To be read only; somebody who is writing is waited for."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)
