"""Put new rows into the table accounts beside what is known of the same firms from elsewhere.

A filing that stands in a daily and in a monthly file keeps the earlier day, so that the order of imports is of no
consequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.schemas import arrow_schema
from pipelines.store import Lake, shard_of
from pipelines.tables import ACCOUNTS

if TYPE_CHECKING:
    import pyarrow as pa

FIGURES = ("employees", "turnover_gbp")


def account_rows(lake: Lake, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Columns of the table accounts, with the shard of every firm; columns that are not given are null.

    Args:
        lake: Says how many shards there are.
        columns: Equally long, by column name; ``firm_id`` among them.
    """
    import pyarrow as pa

    schema = arrow_schema(ACCOUNTS)
    length = len(columns["firm_id"])
    shards = {firm_id: shard_of(firm_id, lake.shards) for firm_id in set(columns["firm_id"])}
    given = dict(columns) | {"shard": [shards[firm_id] for firm_id in columns["firm_id"]]}
    arrays = [
        pa.array(given[field.name], field.type) if field.name in given else pa.nulls(length, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def commit_filings(lake: Lake, fresh: pa.Table, run_id: str) -> int:
    """Replace the rows of these filings, in one commit. Returns rows written; 0 when nothing changed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kept = []
    for held, new in _by_shard(lake, fresh):
        mark, new_mark = _mark(held, ("firm_id", "source", "filing")), _mark(new, ("firm_id", "source", "filing"))
        again = pc.is_in(mark, value_set=new_mark)
        before = held.filter(again)
        dated = pa.table({"mark": mark.filter(again), "day": before["filed_on"]})
        first = dated.group_by("mark").aggregate([("day", "min")])
        known = pc.take(first["day_min"].combine_chunks(), pc.index_in(new_mark, value_set=first["mark"]))
        place = new.schema.get_field_index("filed_on")
        filed_on = pc.min_element_wise(new["filed_on"], known)
        kept += [held.filter(pc.invert(again)), new.set_column(place, new.schema.field(place), filed_on)]
    return _commit(lake, fresh, kept, run_id)


def commit_table_rows(lake: Lake, fresh: pa.Table, figures: Sequence[str], run_id: str) -> int:
    """Replace rows of the same firm, period and source; a figure that is not among ``figures`` stays as it was."""
    import pyarrow.compute as pc

    kept = []
    for held, new in _by_shard(lake, fresh):
        mark, new_mark = _mark(held, ACCOUNTS.key), _mark(new, ACCOUNTS.key)
        place_of = pc.index_in(new_mark, value_set=mark)
        for name in set(FIGURES) - set(figures):
            place = new.schema.get_field_index(name)
            new = new.set_column(place, new.schema.field(place), pc.take(held[name].combine_chunks(), place_of))
        kept += [held.filter(pc.invert(pc.is_in(mark, value_set=new_mark))), new]
    return _commit(lake, fresh, kept, run_id)


def _by_shard(lake: Lake, fresh: pa.Table) -> Iterable[tuple[pa.Table, pa.Table]]:
    """Rows held of the firms that get new ones, and the new ones; one shard in memory at a time."""
    import pyarrow.compute as pc

    for shard in pc.unique(fresh["shard"]).to_pylist():
        new = fresh.filter(pc.equal(fresh["shard"], shard)).combine_chunks()
        held = lake.read_arrow("accounts", shards=[shard])
        ours = pc.is_in(held["firm_id"], value_set=new["firm_id"])
        yield held.filter(ours).combine_chunks(), new


def _mark(rows: pa.Table, key: Sequence[str]) -> pa.Array:
    """One text per row that is equal where the key is; a missing filing is a part of it like any other."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [pc.fill_null(rows[name].cast(pa.string()), "") for name in key]
    marks = pc.binary_join_element_wise(*parts, "\x00")
    return marks.combine_chunks() if isinstance(marks, pa.ChunkedArray) else marks


def _commit(lake: Lake, fresh: pa.Table, kept: Sequence[pa.Table], run_id: str) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not kept:
        return 0
    return lake.replace_firms("accounts", pc.unique(fresh["firm_id"]).to_pylist(), pa.concat_tables(kept), run_id)
