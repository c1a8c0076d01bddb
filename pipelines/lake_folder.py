"""Where a lake is: its catalogue is opened and its tables are made here; a lake that was moved or copied is refused.

Iceberg's files name each other by their full path. So a lake in a folder stays where it was made; one on object storage
belongs to one workspace at one place, which may move when it is told to take its lake over.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.atomic import replacing
from pipelines.compaction import FEW_VERSIONS, PLAIN_FLOATS
from pipelines.errors import TableError, UsageError
from pipelines.schemas import iceberg_schema
from pipelines.storage import FILE_IO, HeldElsewhereError, Storage, claim, holder_of, refuse_others, take_over
from pipelines.tables import EMBEDDINGS, Table

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table as IcebergTable

NAMESPACE = "firmscope"
CATALOG = "catalog.db"
PLACE_FILE = "made-at"  # in the lake's folder: where the lake was made, and whose it is


def make_folder(folder: Path) -> None:
    """Make the folder of a lake, and note in it where it was made; one that is there stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / PLACE_FILE).exists():
        _note_place(folder, str(folder.resolve()))


def open_catalog(folder: Path, storage: Storage | None = None) -> SqlCatalog:
    """The catalogue of a lake's tables.

    Args:
        folder: Where the catalogue is, and the tables' files unless they are in a bucket.
        storage: The bucket.

    Raises:
        TableError: There is no lake, it was made elsewhere, or object storage does not answer.
    """
    from pyiceberg.catalog.sql import SqlCatalog

    place = folder.resolve()
    if not place.is_dir():
        raise TableError(f"there is no lake at {folder}: run firmscope init first")
    wanted = storage.lake if storage else str(place)
    made_at, owner = _place(place)
    if made_at != wanted and not storage and not made_at.startswith("s3://"):
        _refuse_elsewhere(made_at, wanted)
    _refuse_lost_catalog(place, made_at)
    # Files on this machine are synced, and their digests noted, before the catalogue names them.
    durable = {"py-io-impl": FILE_IO}
    warehouse, properties = (storage.lake, storage.properties()) if storage else (f"file://{place}", durable)
    catalog = SqlCatalog(NAMESPACE, uri=f"sqlite:///{place / CATALOG}", warehouse=warehouse, **properties)
    try:
        if made_at == wanted and not storage:
            return catalog
        written = catalog.namespace_exists(NAMESPACE) and catalog.list_tables(NAMESPACE)
        if made_at != wanted:  # the setting is another: nothing is lost where nothing was written yet
            if written:
                _refuse_elsewhere(made_at, wanted)
            owner = _note_place(place, wanted)
        if storage and not written:  # a store that did not answer when the place was noted is claimed now
            claim(storage, owner, holder_of(place))
        if storage:
            refuse_others(storage, owner, holder_of(place))
    except TableError:
        catalog.close()
        raise
    return catalog


def held_elsewhere(folder: Path, storage: Storage) -> str:
    """Why a lake in a bucket may not be used from here; empty where it may, or was not made yet.

    Raises:
        TableError: It is another workspace's altogether, or object storage does not answer.
    """
    made_at, owner = _place(folder)
    try:
        if made_at == storage.lake:
            refuse_others(storage, owner, holder_of(folder))
    except HeldElsewhereError as error:
        return str(error)
    return ""


def take_lake_over(folder: Path, storage: Storage | None) -> str:
    """Make this workspace, which was moved, the one that its lake in a bucket belongs to.

    Returns:
        What was done, in a sentence.

    Raises:
        UsageError: The lake is in no bucket.
        TableError: It is another workspace's, or object storage does not answer.
    """
    made_at, owner = _place(folder)
    if storage is None or made_at != storage.lake:
        raise UsageError(
            f"the lake of this workspace lies at {made_at or folder}: only one in a bucket can be taken over, and only "
            "where store.lake names it; put a folder back where it was made"
        )
    before = take_over(storage, owner, holder_of(folder))
    return f"{storage.lake} belongs to this workspace now; the one whose lake folder is {before} is refused."


def make_table(catalog: SqlCatalog, table: Table, shards: int) -> IcebergTable:
    """Make a table, empty, or take the one that is there."""
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.transforms import IdentityTransform

    return catalog.create_table_if_not_exists(
        f"{NAMESPACE}.{table.name}",
        schema=iceberg_schema(table),
        partition_spec=PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "shard")),
        properties={
            "firmscope.shards": str(shards),
            "write.parquet.compression-codec": "zstd",
            # Every commit writes the table's whole history anew: a thousand nights would fill a disk with it.
            "write.metadata.delete-after-commit.enabled": "true",
            **FEW_VERSIONS,
            **(PLAIN_FLOATS if table is EMBEDDINGS else {}),
        },
    )


def _place(folder: Path) -> tuple[str, str]:
    """Where a lake was made, and whose it is; nothing of a lake whose making was cut short."""
    path = folder / PLACE_FILE
    made_at, _, owner = (path.read_text(encoding="utf-8") if path.exists() else "").partition("\n")
    return made_at.strip(), owner.strip()


def _note_place(folder: Path, place: str) -> str:
    owner = secrets.token_hex(8)
    with replacing(folder / PLACE_FILE) as stream:
        stream.write(f"{place}\n{owner}\n".encode())
    return owner


def _refuse_lost_catalog(place: Path, made_at: str) -> None:
    """An empty catalogue in the place of one that is lost would show a lake without tables."""
    file, in_bucket = place / CATALOG, made_at.startswith("s3://")
    if (file.exists() and file.stat().st_size) or not (in_bucket or any((place / NAMESPACE).glob("*/metadata"))):
        return
    raise TableError(
        f"the lake's catalogue, {file}, is {'empty' if file.exists() else 'missing'}, and the tables are there: "
        "firmscope doctor --repair makes it anew from them"
    )


def _refuse_elsewhere(made_at: str, wanted: str) -> None:
    raise TableError(
        f"the lake was made at {made_at} and is now at {wanted}, but its files name each other by their full path: "
        "put it back there, or make a new workspace here and import again"
    )
