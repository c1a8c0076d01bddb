"""Turn the entries of a PSC snapshot into rows of ``owners`` and what they mean for ``firms``, in bounded memory.

A firm of which one entry could not be read keeps what ``firms`` says of its owner: the entry may have been the owner's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pipelines.runs import Run, StageCounts
from pipelines.schemas import arrow_schema
from pipelines.sources.listed import ListedFirms
from pipelines.sources.owners import NO_OWNER, NOT_TOLD, Ownership, ownership, parent_number
from pipelines.store import Lake, shard_of
from pipelines.tables import OWNERS

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 20_000  # rows held as Python objects; the others wait as Arrow, ten times smaller
_COLUMNS = [name for name in OWNERS.names if name != "shard"]
_OWNED = ("parent_id", "foreign_owned", "owner_country")


class Entries:
    """What a snapshot says of listed firms: owners' rows, and the firms named. Firms of one number share an entry."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.named: set[str] = set()
        self.faulty: set[str] = set()
        self.silent: set[str] = set()
        self._sharing: dict[str, tuple[str, ...]] = {}
        self._rows: list[dict[str, Any]] = []
        self._batches: list[pa.RecordBatch] = []

    def note(self, firms: Sequence[str], faulty: bool = False, silent: bool = False) -> None:
        """The firms stand in the snapshot, with an entry that cannot be read (faulty) or tells nothing (silent)."""
        (self.faulty if faulty else self.silent if silent else self.named).update(firms)

    def add(self, firms: Sequence[str], row: dict[str, Any]) -> None:
        """An owner of these firms, which have one company number."""
        self.note(firms)
        if len(firms) > 1:
            self._sharing[firms[0]] = tuple(firms[1:])
        self._rows.append({"firm_id": firms[0], **row})
        if len(self._rows) >= BATCH_ROWS:
            self._flush()

    def rows(self) -> tuple[pa.Table, int]:
        """Rows, one per entry, with the first firm of each company; and how many were given again (the last stands)."""
        import pyarrow as pa

        self._flush()
        given = pa.Table.from_batches(self._batches, schema=arrow_schema(OWNERS, _COLUMNS))
        self._batches = []
        rows = last_of_each(given)
        return rows, given.num_rows - rows.num_rows

    def for_all_firms(self, rows: pa.Table) -> pa.Table:
        """The same rows for every firm of a number that several share."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not self._sharing:
            return rows
        shared = rows.filter(pc.is_in(rows["firm_id"], value_set=pa.array(sorted(self._sharing), pa.string())))
        more = [{**row, "firm_id": other} for row in shared.to_pylist() for other in self._sharing[row["firm_id"]]]
        return pa.concat_tables([rows, pa.Table.from_pylist(more, schema=rows.schema)])

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._batches.append(pa.RecordBatch.from_pylist(self._rows, schema=arrow_schema(OWNERS, _COLUMNS)))
        self._rows = []


def write_owners(
    run: Run, counts: StageCounts, listed: ListedFirms, found: Entries, rows: pa.Table, adding: bool
) -> dict[str, Ownership]:
    """Write ``firms``, then ``owners``; returns what they say of each firm, but for those without an owner.

    A parent of before is known from the owners held, so that these go last: an import killed before is run again.

    Args:
        run: The run to work for.
        counts: Its counts; rows written are noted.
        listed: Firms of the workspace.
        found: What the snapshot says.
        rows: Its rows, as :meth:`Entries.rows` gave them.
        adding: Keep entries held that the snapshot does not have: it is a part.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    lake, ids = run.workspace.lake, found.named | found.faulty | found.silent
    held = lake.read_arrow("owners", _COLUMNS)
    held = held.filter(pc.is_in(held["firm_id"], value_set=pa.array(sorted(ids), pa.string())))
    owners = found.for_all_firms(rows)
    if adding:
        owners = last_of_each(pa.concat_tables([held, owners]))
    owned = dict.fromkeys(found.silent - found.named, NOT_TOLD)
    owned |= {firm_id: _translated(firm_id, ownership(of), listed) for firm_id, of in _by_firm(owners)}
    told = _parents_told(pa.concat_tables([held, owners]), listed)
    counts.written["firms"] = _write_firms(run, ids - found.faulty, owned, told)
    counts.written["owners"] = lake.replace_firms("owners", ids, _sharded(owners, lake), run.run_id)
    return owned


def last_of_each(rows: pa.Table) -> pa.Table:
    """Of rows with one firm and owner the last."""
    import pyarrow as pa

    numbered = rows.select(["firm_id", "owner"]).append_column("place", pa.array(range(rows.num_rows), pa.int64()))
    kept = numbered.group_by(["firm_id", "owner"]).aggregate([("place", "max")])["place_max"]
    return rows.take(kept.combine_chunks().sort())


def _by_firm(owners: pa.Table) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    batches = owners.sort_by([("firm_id", "ascending")]).to_batches(max_chunksize=BATCH_ROWS)
    return groupby((row for batch in batches for row in batch.to_pylist()), key=lambda row: str(row["firm_id"]))


def _translated(firm_id: str, owned: Ownership, listed: ListedFirms) -> Ownership:
    """The parent as firm_id where it is listed; a company is not its own parent."""
    parent = _reference(firm_id, owned.parent, listed)
    return Ownership(owned.foreign_owned, owned.owner_country, parent, owned.minority)


def _reference(firm_id: str, number: str | None, listed: ListedFirms) -> str | None:
    if number is None or firm_id in listed.all_of(number):
        return None
    return listed.first_of(number) or number


def _parents_told(owners: pa.Table, listed: ListedFirms) -> dict[str, set[str]]:
    """Every parent that the register has told of, ceased ones too: such a one may be taken back, others stay."""
    told: dict[str, set[str]] = {}
    columns = owners.select(["firm_id", "number", "country"])
    for batch in columns.filter(columns["number"].is_valid()).to_batches(max_chunksize=BATCH_ROWS):
        for row in batch.to_pylist():
            number = parent_number(row)
            told.setdefault(row["firm_id"], set()).update(filter(None, (number, listed.first_of(number or ""))))
    return told


def _write_firms(run: Run, ids: set[str], owned: dict[str, Ownership], told: dict[str, set[str]]) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    lake = run.workspace.lake
    held = lake.read_arrow("firms", ["firm_id", *_OWNED])
    held = held.filter(pc.is_in(held["firm_id"], value_set=pa.array(sorted(ids), pa.string())))
    changed: list[tuple[str, str | None, bool | None, str | None]] = []
    for firm_id, parent, *before in zip(*(held[name].to_pylist() for name in ("firm_id", *_OWNED)), strict=True):
        now = owned.get(firm_id, NO_OWNER)
        kept = None if parent in told.get(firm_id, ()) else parent
        fresh = (firm_id, now.parent or kept, now.foreign_owned, now.owner_country)
        if fresh != (firm_id, parent, *before):
            changed.append(fresh)
    if not changed:
        return 0
    kinds = (pa.string(), pa.string(), pa.bool_(), pa.string())
    columns = [pa.array(column, kind) for column, kind in zip(zip(*changed, strict=True), kinds, strict=True)]
    fresh_rows = pa.table(columns, names=["firm_id", *_OWNED])
    firms = lake.read_arrow("firms")
    place = pc.index_in(firms["firm_id"], value_set=fresh_rows["firm_id"].combine_chunks())
    firms, place = firms.filter(place.is_valid()), place.drop_null()
    for name in _OWNED:
        column = firms.schema.get_field_index(name)
        firms = firms.set_column(column, firms.schema.field(name), fresh_rows[name].take(place))
    return lake.replace_firms("firms", [row[0] for row in changed], firms, run.run_id)


def _sharded(owners: pa.Table, lake: Lake) -> pa.Table:
    import pyarrow as pa

    shards = [shard_of(firm_id, lake.shards) for firm_id in owners["firm_id"].to_pylist()]
    return owners.add_column(0, "shard", pa.array(shards, pa.int64())).cast(arrow_schema(OWNERS))
