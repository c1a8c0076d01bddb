"""Where a lake is: its catalogue is opened and its tables are made here; a lake that was moved or copied is refused.

Iceberg's files name each other by their full path. So a lake in a folder stays where it was made; one on object storage
belongs to the workspace that made it, and that workspace may move.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.atomic import replacing
from pipelines.compaction import FEW_VERSIONS, PLAIN_FLOATS
from pipelines.errors import TableError
from pipelines.schemas import iceberg_schema
from pipelines.storage import Storage, claim, refuse_others
from pipelines.tables import EMBEDDINGS, Table

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table as IcebergTable

NAMESPACE = "firmscope"
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
    # Files on this machine are synced, and their digests noted, before the catalogue names them.
    durable = {"py-io-impl": "pipelines.durable_io.DurableFileIO"}
    warehouse, properties = (storage.lake, storage.properties()) if storage else (f"file://{place}", durable)
    catalog = SqlCatalog(NAMESPACE, uri=f"sqlite:///{place / 'catalog.db'}", warehouse=warehouse, **properties)
    if made_at != wanted:  # the setting is another: nothing is lost where nothing was written yet
        if catalog.namespace_exists(NAMESPACE) and catalog.list_tables(NAMESPACE):
            catalog.close()
            _refuse_elsewhere(made_at, wanted)
        owner = _note_place(place, wanted)
        if storage:
            claim(storage, owner)
    elif storage:
        refuse_others(storage, owner)
    return catalog


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


def _refuse_elsewhere(made_at: str, wanted: str) -> None:
    raise TableError(
        f"the lake was made at {made_at} and is now at {wanted}, but its files name each other by their full path: "
        "put it back there, or make a new workspace here and import again"
    )
