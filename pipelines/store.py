"""Read and replace rows of the lake: Apache Iceberg tables behind five verbs, so that the backend can be changed.

A replacement that would change nothing commits nothing: that is what makes a second night free and a rerun harmless.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pipelines.crashing import crash_point
from pipelines.errors import TableError
from pipelines.evolution import brought_up_to_date, columns_at
from pipelines.leaves import firms_filter, in_order, replace_rows
from pipelines.replacements import Replacement
from pipelines.schemas import (
    arrow_schema,
    iceberg_schema,
    refuse_doubles,
    refuse_missing_values,
    refuse_unknown_columns,
)
from pipelines.tables import TABLES, Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table as IcebergTable

NAMESPACE = "firmscope"
PLACE_FILE = "made-at"  # in the lake's folder: the folder's path when the lake was made

Rows: TypeAlias = "Sequence[Mapping[str, Any]] | pa.Table"  # what a table is given: records, or Arrow


def shard_of(key: str, shards: int) -> int:
    """Partition of a firm (or of any text key): the same on every machine and in every release."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % shards


def sharded(name: str, rows: pa.Table, shards: int) -> pa.Table:
    """Rows of a table that is not about firms, with the column ``shard`` put in front."""
    import pyarrow as pa

    encoded = rows[TABLES[name].key[0]].combine_chunks().dictionary_encode()
    of_key = pa.array([shard_of(str(key), shards) for key in encoded.dictionary.to_pylist()], pa.int64())
    return rows.add_column(0, arrow_schema(TABLES[name], ["shard"]).field(0), of_key.take(encoded.indices))


class Lake:
    """The tables of one workspace. Only the process that holds the workspace lock may write."""

    def __init__(self, folder: Path, shards: int) -> None:
        """Args: folder of tables and catalog; number of shards, fixed when the lake is made."""
        self.folder = folder
        self.shards = shards
        self._catalog: SqlCatalog | None = None
        self._tables: dict[str, IcebergTable] = {}

    def create(self) -> None:
        """Make an empty lake; a table is made when something is first written to it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        place = self.folder / PLACE_FILE
        if not place.exists():
            place.write_text(f"{self.folder.resolve()}\n", encoding="utf-8")
        self._open_catalog().create_namespace_if_not_exists(NAMESPACE)

    def read(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        shards: Iterable[int] | None = None,
        snapshot_id: int | None = None,
    ) -> pd.DataFrame:
        """Rows of a table as a DataFrame, in no promised order; nulls are None or NaN as pandas has them."""
        frame: pd.DataFrame = self.read_arrow(name, columns, shards, snapshot_id).to_pandas()
        return frame

    def read_arrow(
        self,
        name: str,
        columns: Sequence[str] | None = None,
        shards: Iterable[int] | None = None,
        snapshot_id: int | None = None,
    ) -> pa.Table:
        """Rows of a table as Arrow, checked against the schema of this release."""
        from pyiceberg.expressions import AlwaysTrue, In

        if shards is not None and not set(shards):
            return arrow_schema(TABLES[name], columns).empty_table()
        wanted = AlwaysTrue() if shards is None else In("shard", sorted(set(shards)))
        return self._scan(name, columns, wanted, snapshot_id)

    def read_firms(self, name: str, firm_ids: Collection[str], columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of some firms as Arrow; files that hold none of them are left alone.

        A file knows its first and last firm_id, so this is quick for firms that stand beside each other.
        """
        if not firm_ids:
            return arrow_schema(TABLES[name], columns).empty_table()
        return self._scan(name, columns, firms_filter(firm_ids))

    def replace_firms(self, name: str, firm_ids: Iterable[str], rows: Rows, run_id: str) -> int:
        """Put ``rows`` in the place of everything the table holds about ``firm_ids``, in one commit.

        Returns:
            Rows written; 0 when the table held exactly these rows already.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        fresh, ids = self._validated(name, rows), set(firm_ids)
        known = pc.is_in(fresh["firm_id"], value_set=pa.array(ids, pa.string()))
        strangers = pc.min(fresh["firm_id"].filter(pc.invert(known))).as_py()
        if strangers is not None:
            raise TableError(f"table {name}: rows of firms that were not to be replaced, first {strangers!r}")
        refuse_doubles(fresh, TABLES[name])
        if not ids or (not fresh.num_rows and self._find(name) is None):
            return 0
        written = replace_rows(self._table(name), TABLES[name], ids, fresh, {"firmscope.run": run_id})
        return self._committed(name, written) if written is not None else 0

    def replace_all(self, name: str, rows: Rows, run_id: str) -> int:
        """Put ``rows`` in the place of the whole table, in one commit. Returns rows written, 0 when nothing changed."""
        fresh = self._validated(name, rows)
        return self._commit(name, self.read_arrow(name), fresh, set(range(self.shards)), run_id)

    def replacement(self, name: str, run_id: str) -> Replacement:
        """Begin to replace shards one by one, for tables too large to be held whole; see :class:`Replacement`."""
        return Replacement(
            self._table(name), TABLES[name], {"firmscope.run": run_id}, lambda rows: self._committed(name, rows)
        )

    def notes(self, name: str) -> dict[str, str]:
        """What was noted with a table, such as which editions of the register it holds."""
        found = self._find(name)
        return dict(found.properties) if found else {}

    def append(self, name: str, rows: Rows, run_id: str) -> int:
        """Add rows in one commit; the caller knows that their keys are new. Returns rows written."""
        fresh = self._validated(name, rows)
        if fresh.num_rows:
            self._table(name).append(fresh, snapshot_properties={"firmscope.run": run_id})
            self._committed(name, fresh.num_rows)
        return int(fresh.num_rows)

    def snapshots(self) -> dict[str, int | None]:
        """Newest snapshot of every table; null for a table never written. Two equal answers mean nothing changed."""
        return {name: self.snapshot(name) for name in TABLES}

    def snapshot(self, name: str) -> int | None:
        """Newest snapshot of one table; null for a table never written."""
        found = self._find(name)
        return found.metadata.current_snapshot_id if found else None

    def files_by_shard(self, name: str, snapshot_id: int | None = None) -> dict[int, str]:
        """Digest of the names of each shard's files: they never change, so that equal answers mean equal rows."""
        paths: dict[int, list[str]] = {}
        found = self._find(name)
        for task in found.scan(snapshot_id=snapshot_id).plan_files() if found else ():
            paths.setdefault(int(task.file.partition[0]), []).append(task.file.file_path)
        return {shard: hashlib.sha256("\n".join(sorted(of)).encode()).hexdigest() for shard, of in paths.items()}

    def close(self) -> None:
        """Let go of the catalog file."""
        if self._catalog is not None:
            self._catalog.close()
            self._catalog, self._tables = None, {}

    def _commit(self, name: str, held: pa.Table, wanted: pa.Table, shards: set[int], run_id: str) -> int:
        from pyiceberg.expressions import In

        table = TABLES[name]
        held, wanted = in_order(held, table), in_order(wanted, table)
        refuse_doubles(wanted, table)
        if held.equals(wanted):
            return 0
        changed = [shard for shard in sorted(shards) if not _of(held, shard).equals(_of(wanted, shard))]
        rows, properties = _of_many(wanted, changed), {"firmscope.run": run_id}
        if held.num_rows:
            self._table(name).overwrite(rows, In("shard", changed), snapshot_properties=properties)
        else:
            self._table(name).append(rows, snapshot_properties=properties)
        return self._committed(name, rows.num_rows)

    def _committed(self, name: str, rows: int) -> int:
        """Look at the table afresh from now on."""
        self._tables.pop(name)
        crash_point(f"committed-{name}")
        return rows

    def _scan(
        self, name: str, columns: Sequence[str] | None, wanted: BooleanExpression, snapshot_id: int | None = None
    ) -> pa.Table:
        import pyarrow as pa

        table, found = TABLES[name], self._find(name)
        fields = list(table.names if columns is None else columns)
        if found is None:
            return arrow_schema(table, fields).empty_table()
        held = set(columns_at(found, snapshot_id))
        scan = found.scan(wanted, tuple(field for field in fields if field in held), snapshot_id=snapshot_id)
        schema = arrow_schema(table, fields)
        try:
            rows = scan.to_arrow()
            for field in schema:
                if field.name not in held:  # a snapshot from before the column was there
                    rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
            return rows.select(fields).cast(schema)
        except (pa.ArrowInvalid, KeyError) as error:
            raise TableError(f"table {name} does not fit this release's schema: {error}") from error

    def _validated(self, name: str, rows: Rows) -> pa.Table:
        import pyarrow as pa

        table = TABLES[name]
        if isinstance(rows, pa.Table):
            fresh = rows
        else:
            shard_by = "firm_id" if "firm_id" in table.names else table.key[0]
            records = [{"shard": shard_of(str(row[shard_by]), self.shards), **row} for row in rows]
            refuse_unknown_columns(records, table)
            try:
                fresh = pa.Table.from_pylist(records, schema=arrow_schema(table))
            except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
                raise TableError(f"table {name}: a value does not fit its column: {error}") from error
        if fresh.schema.names != table.names:
            raise TableError(f"table {name}: columns {fresh.schema.names}, expected {table.names}")
        refuse_missing_values(fresh, table)
        return fresh

    def _table(self, name: str) -> IcebergTable:
        """The table, to be written; made empty when the lake is new, or of a release that did not know it."""
        found = self._find(name)
        if found is None:
            found = self._tables[name] = self._make(TABLES[name])
        return found

    def _find(self, name: str) -> IcebergTable | None:
        """The table, unless nothing was written to it yet."""
        from pyiceberg.exceptions import NoSuchTableError

        if name not in self._tables:
            try:
                found = self._open_catalog().load_table(f"{NAMESPACE}.{name}")
            except NoSuchTableError:
                return None
            made_with = found.properties.get("firmscope.shards")
            if made_with != str(self.shards):
                raise TableError(
                    f"the lake has {made_with} shards but the configuration says {self.shards}: "
                    f"set store.shards back to {made_with}, or start a new workspace"
                )
            self._tables[name] = brought_up_to_date(found, TABLES[name])
        return self._tables[name]

    def _open_catalog(self) -> SqlCatalog:
        from pyiceberg.catalog.sql import SqlCatalog

        if self._catalog is None:
            folder = self.folder.resolve()
            if not folder.is_dir():
                raise TableError(f"there is no lake at {self.folder}: run firmscope init first")
            _refuse_elsewhere(folder)
            self._catalog = SqlCatalog(
                NAMESPACE, uri=f"sqlite:///{folder / 'catalog.db'}", warehouse=f"file://{folder}"
            )
        return self._catalog

    def _make(self, table: Table) -> IcebergTable:
        from pyiceberg.partitioning import PartitionField, PartitionSpec
        from pyiceberg.transforms import IdentityTransform

        return self._open_catalog().create_table_if_not_exists(
            f"{NAMESPACE}.{table.name}",
            schema=iceberg_schema(table),
            partition_spec=PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "shard")),
            properties={
                "firmscope.shards": str(self.shards),
                "write.parquet.compression-codec": "zstd",
                # Every commit writes the table's whole history anew: a thousand nights would fill a disk with it.
                "write.metadata.delete-after-commit.enabled": "true",
                "write.metadata.previous-versions-max": "20",
            },
        )


def _refuse_elsewhere(folder: Path) -> None:
    """Iceberg's files name each other by absolute path: a copy would be written into the original."""
    made_at = (folder / PLACE_FILE).read_text(encoding="utf-8").strip()
    if made_at != str(folder):
        raise TableError(
            f"the lake was made at {made_at} and is now at {folder}, but its files name each other by their full path: "
            "put it back there, or make a new workspace here and import again"
        )


def _of(rows: pa.Table, shard: int) -> pa.Table:
    return _of_many(rows, [shard])


def _of_many(rows: pa.Table, shards: Sequence[int]) -> pa.Table:
    return rows.filter(_is_in(rows, shards)).combine_chunks()


def _is_in(rows: pa.Table, shards: Sequence[int]) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.is_in(rows["shard"], value_set=pa.array(shards, pa.int64()))
