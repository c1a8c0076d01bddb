"""The lake as of now, in a form that can be sent to a worker: no catalogue is opened there, and nothing is written.

Each table's metadata travels with it, cut down to its newest snapshot; files are read where the lake keeps them, so
that a worker needs the lake's folder, or its bucket, at the same place as the coordinator has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pipelines.lake_reading import TableReader

if TYPE_CHECKING:
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.table.metadata import TableMetadata

_Described = tuple[str, str, dict[str, str]]  # metadata as JSON, where it stands, properties of the file system


class PinnedLake(TableReader):
    """Some tables of a lake, as they were when this was made."""

    def __init__(self, shards: int, described: Mapping[str, _Described]) -> None:
        """Args: shards of every table; tables by name. Made by :meth:`of`."""
        super().__init__(shards)
        self._described = dict(described)
        self._opened: dict[str, IcebergTable] = {}

    @classmethod
    def of(cls, lake: TableReader, names: Iterable[str]) -> PinnedLake:
        """Pin these tables of a lake; those that were not written yet are empty."""
        found = {name: lake.find(name) for name in names}
        return cls(
            lake.shards,
            {
                name: (_newest(table.metadata).model_dump_json(), table.metadata_location, dict(table.io.properties))
                for name, table in found.items()
                if table is not None
            },
        )

    def find(self, name: str) -> IcebergTable | None:
        """The table, unless nothing was written to it yet or it was not pinned."""
        if name not in self._opened and name in self._described:
            self._opened[name] = _opened(name, *self._described[name])
        return self._opened.get(name)

    def __getstate__(self) -> dict[str, Any]:
        """What travels: no open table and no plan."""
        return {"shards": self.shards, "described": self._described}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin anew on the other side."""
        PinnedLake.__init__(self, state["shards"], state["described"])


def _newest(metadata: TableMetadata) -> TableMetadata:
    """Metadata that knows of no snapshot but the newest: a year of them would be sent to every worker."""
    newest = metadata.current_snapshot()
    at = newest.snapshot_id if newest else None
    return metadata.model_copy(
        update={
            "snapshots": [newest] if newest else [],
            "snapshot_log": [],
            "metadata_log": [],
            "refs": {name: ref for name, ref in metadata.refs.items() if ref.snapshot_id == at},
            "statistics": [],
        }
    )


def _opened(name: str, metadata: str, place: str, properties: dict[str, str]) -> IcebergTable:
    from pyiceberg.catalog.noop import NoopCatalog
    from pyiceberg.io import load_file_io
    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadataUtil

    made = TableMetadataUtil.parse_raw(metadata)
    return Table(("pinned", name), made, place, load_file_io(properties, place), NoopCatalog("pinned"))
