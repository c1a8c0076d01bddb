"""Read and replace rows of the lake: Apache Iceberg tables behind five verbs, so that the backend can be changed.

A replacement that would change nothing commits nothing: that is what makes a second night free and a rerun harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.crashing import crash_point
from pipelines.errors import TableError
from pipelines.evolution import brought_up_to_date
from pipelines.lake_folder import NAMESPACE, make_folder, make_table, open_catalog
from pipelines.lake_reading import TableReader, readable, shard_of
from pipelines.leaves import files_by_shard, replace_rows
from pipelines.replacements import Replacement
from pipelines.schemas import refuse_doubles
from pipelines.storage import Storage, unanswered
from pipelines.table_rows import Rows, checked_rows, sharded
from pipelines.tables import TABLES

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table as IcebergTable

__all__ = ["Lake", "Rows", "shard_of", "sharded"]


class Lake(TableReader):
    """The tables of one workspace. Only the process that holds the workspace lock may write."""

    def __init__(self, folder: Path, shards: int, storage: Storage | None = None) -> None:
        """Args: folder of catalog and tables; shards, fixed when the lake is made; the tables' bucket, if any."""
        super().__init__(shards)
        self.folder = folder
        self.storage = storage
        self._catalog: SqlCatalog | None = None
        self._tables: dict[str, IcebergTable] = {}

    def create(self) -> None:
        """Make an empty lake; a table is made when something is first written to it."""
        make_folder(self.folder)
        self._open_catalog().create_namespace_if_not_exists(NAMESPACE)

    def replace_firms(self, name: str, firm_ids: Iterable[str], rows: Rows, run_id: str) -> int:
        """Put ``rows`` in the place of everything the table holds about ``firm_ids``, in one commit.

        Returns:
            Rows written; 0 when the table held exactly these rows already.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        fresh, ids = checked_rows(name, rows, self.shards), set(firm_ids)
        known = pc.is_in(fresh["firm_id"], value_set=pa.array(ids, pa.string()))
        strangers = pc.min(fresh["firm_id"].filter(pc.invert(known))).as_py()
        if strangers is not None:
            raise TableError(f"table {name}: rows of firms that were not to be replaced, first {strangers!r}")
        refuse_doubles(fresh, TABLES[name])
        if not ids or (not fresh.num_rows and self.find(name) is None):
            return 0
        by_shard: dict[int, list[str]] = {}
        for firm_id in ids:
            by_shard.setdefault(shard_of(firm_id, self.shards), []).append(firm_id)
        with self._writing(name):
            written = replace_rows(self._table(name), TABLES[name], by_shard, fresh, {"firmscope.run": run_id})
        return self._committed(name, written) if written is not None else 0

    def replace_all(self, name: str, rows: Rows, run_id: str) -> int:
        """Put ``rows`` in the place of the whole table, in one commit. Returns rows written, 0 when nothing changed."""
        import pyarrow.compute as pc

        fresh = checked_rows(name, rows, self.shards)
        if not fresh.num_rows and self.find(name) is None:
            return 0
        with self._writing(name):
            change = self.replacement(name, run_id)
            for shard in range(self.shards):  # sorting all rows at once would take several times their room
                held = self.read_arrow(name, shards=[shard])
                wanted = fresh.filter(pc.equal(fresh["shard"], shard))
                if held.num_rows or wanted.num_rows:
                    change.put(shard, held, wanted)
            return change.commit()

    def replacement(self, name: str, run_id: str) -> Replacement:
        """Begin to replace shards one by one, for tables too large to be held whole; see :class:`Replacement`."""
        return Replacement(
            self._table(name), TABLES[name], {"firmscope.run": run_id}, lambda rows: self._committed(name, rows)
        )

    def note(self, name: str, notes: Mapping[str, str]) -> None:
        """Note something with a table that is there; its rows and snapshots stay as they are."""
        from pipelines.table_commits import set_notes

        found = self.find(name)
        if found is not None:
            set_notes(found, notes)
            self._tables.pop(name)

    def append(self, name: str, rows: Rows, run_id: str) -> int:
        """Add rows in one commit; the caller knows that their keys are new. Returns rows written."""
        fresh = checked_rows(name, rows, self.shards)
        if fresh.num_rows:
            from pipelines.table_commits import commit_files

            with self._writing(name):
                found = self._table(name)
                commit_files(found, [], files_by_shard(found, fresh), {"firmscope.run": run_id})
            self._committed(name, fresh.num_rows)
        return int(fresh.num_rows)

    def close(self) -> None:
        """Let go of the catalog file."""
        if self._catalog is not None:
            self._catalog.close()
            self._catalog, self._tables = None, {}

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """What fails on the way to a commit leaves the table as it was, and is told in one sentence."""
        from pyiceberg.exceptions import CommitFailedException

        try:
            yield
        except CommitFailedException as error:
            raise TableError(
                f"table {name} was changed by another program while it was written, and stays as that left it: see "
                "that nothing else writes to this lake, then run this again"
            ) from error
        except OSError as error:
            if self.storage is None:
                raise
            raise TableError(unanswered(self.storage.lake, error)) from error

    def _committed(self, name: str, rows: int) -> int:
        """What follows a commit, after which the table that was written through is the new one."""
        crash_point(f"committed-{name}")
        return rows

    def _table(self, name: str) -> IcebergTable:
        """The table, to be written; made empty when the lake is new, or of a release that did not know it."""
        found = self.find(name)
        if found is None:
            found = self._tables[name] = make_table(self._open_catalog(), TABLES[name], self.shards)
        return found

    def find(self, name: str) -> IcebergTable | None:
        """The table, unless nothing was written to it yet."""
        from pyiceberg.exceptions import NoSuchTableError

        if name not in self._tables:
            catalog = self._open_catalog()
            try:
                with readable(f"the description of table {name}"):
                    found = catalog.load_table(f"{NAMESPACE}.{name}")
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
        if self._catalog is None:
            self._catalog = open_catalog(self.folder, self.storage)
        return self._catalog
