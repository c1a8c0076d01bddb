"""Bring the firms and premises of one shard up to date with the rows of a register file; Arrow in, Arrow out.

The newest file that has a company says everything about it, so that files may come in any order. A company that is in
an older file and not in a whole newer edition has gone: between the two, for the register does not say when.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pipelines.schemas import arrow_schema
from pipelines.sources.register_columns import keys_of, numbers_of
from pipelines.sources.register_gone import Edition, Tally, days_in, keep_later_dissolution, with_gone
from pipelines.tables import FIRMS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

# What the register says of a company, as columns of ``firms``; name and website are the firm list's.
_SAID = (
    "company_number", "status", "incorporated_on", "dissolved_on", "sic_codes", "previous_names", "company_category",
    "register_date",
)  # fmt: skip


def once_each(rows: pa.Table, tally: Tally) -> pa.Table:
    """One row per firm, whatever the order of the file: of rows that differ, the last in the order of their words."""
    import numpy as np
    import pyarrow as pa

    codes = rows["firm_id"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    often = np.bincount(codes, minlength=1)[codes] > 1
    if not often.any():
        return rows
    words = [name for name in rows.column_names if name not in ("line", "first", "number", "firm_id", "shard")]
    by_firm: dict[int, list[tuple[str, int]]] = {}
    for place in np.flatnonzero(often).tolist():
        row = rows.slice(place, 1).to_pylist()[0]
        by_firm.setdefault(int(codes[place]), []).append((repr([row[name] for name in words]), place))
    drop = np.zeros(rows.num_rows, bool)
    lines, numbers, first = rows["line"], rows["number"], rows["first"]
    for found in by_firm.values():
        found.sort(key=lambda one: (one[0], -one[1]))
        for said, place in found[:-1]:
            drop[place] = True
            if first[place].as_py():
                tally.doubles.append((lines[place].as_py(), numbers[place].as_py(), said == found[-1][0]))
    return rows.filter(pa.array(~drop))


def without_future(rows: pa.Table, day: date, tally: Tally) -> pa.Table:
    """Dates later than the file are no dates."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in ("incorporated_on", "dissolved_on"):
        future = pc.fill_null(pc.greater(rows[name], pa.scalar(day, pa.date32())), False)
        number = pc.sum(pc.and_(future, rows["first"])).as_py() or 0
        if pc.any(future).as_py():
            tally.left_out["future_date"] += number
            values = pc.if_else(future, pa.scalar(None, pa.date32()), rows[name])
            rows = rows.set_column(rows.column_names.index(name), name, values)
    return rows


def merged_firms(held: pa.Table, rows: pa.Table, edition: Edition, tally: Tally) -> tuple[pa.Table, pa.Table]:
    """Firms of a shard as they are to be.

    Args:
        held: All columns of ``firms``, the firms of the shard.
        rows: The file's rows for firms of the shard, each once: the columns of ``register_columns.schema`` with
            ``firm_id``, ``shard`` and ``first`` (whether the row counts here, or for another firm of its number).
        edition: What is known of the file.
        tally: Is added to.

    Returns:
        Firms, and those of ``rows`` that now say where their firm is.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = keys_of(numbers_of(held["company_number"].combine_chunks()))
    doubled = _own(held, keys) & np.isin(keys, edition.listed)
    if doubled.any():
        tally.superseded += held["firm_id"].filter(pa.array(doubled)).to_pylist()
        held, keys = held.filter(pa.array(~doubled)), keys[~doubled]
    place = pc.index_in(held["firm_id"].combine_chunks(), value_set=rows["firm_id"].combine_chunks())
    row_of = pc.fill_null(place, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    seen = days_in(held["register_date"])
    day = np.datetime64(edition.day, "D")
    newest = (row_of >= 0) & (np.isnat(seen) | (seen <= day))
    new = np.ones(rows.num_rows, bool)
    new[row_of[row_of >= 0]] = False
    first = rows["first"].to_numpy()
    listed = ~_own(held, keys)
    tally.taken += int(first.sum())
    tally.added += int(new.sum())
    tally.older += int(((row_of >= 0) & ~newest).sum())
    tally.listed += int((newest & listed).sum())

    fresh = _as_firms(rows, edition.day)
    both = pa.concat_tables([held, fresh]).combine_chunks()
    ours = np.arange(held.num_rows)
    added = held.num_rows + np.flatnonzero(new)
    of_list = pa.array(np.concatenate([ours, added]))
    of_register = pa.array(np.concatenate([np.where(newest, held.num_rows + row_of, ours), added]))
    of_name = pa.array(np.concatenate([np.where(newest & ~listed, held.num_rows + row_of, ours), added]))
    choice = dict.fromkeys(_SAID, of_register) | {"name": of_name}
    firms = pa.table(
        {name: both[name].take(choice.get(name, of_list)) for name in both.column_names}, schema=both.schema
    )
    before = {name: held[name].combine_chunks() for name in ("dissolved_on", "status")}
    firms = keep_later_dissolution(firms, before["dissolved_on"], before["status"], newest, day)
    absent = np.concatenate([(row_of < 0) & ~np.isnat(seen), np.zeros(len(added), bool)])
    in_list = np.concatenate([listed, np.zeros(len(added), bool)])
    firms = with_gone(firms, edition, absent, in_list, before["status"], tally)
    placing = new.copy()
    placing[row_of[newest]] = True
    return firms, rows.filter(pa.array(placing))


def _as_firms(rows: pa.Table, day: date) -> pa.Table:
    """The file's rows in the columns of ``firms``."""
    import pyarrow as pa

    schema = arrow_schema(FIRMS)
    columns = {
        one.name: rows[one.name] if one.name in rows.column_names else pa.nulls(rows.num_rows, one.type)
        for one in schema
    }
    columns["company_number"] = rows["number"]
    columns["register_date"] = pa.array([day], pa.date32()).take(pa.array([0] * rows.num_rows, pa.int8()))
    return pa.table(columns, schema=schema)


def _own(held: pa.Table, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Firms that no list named: a register file made them, under their company number, without a website."""
    import pyarrow.compute as pc

    own = pc.and_(pc.equal(held["firm_id"], held["company_number"]), pc.is_null(held["website"]))
    own = pc.and_(pc.fill_null(own, False), pc.is_valid(held["register_date"]))
    found: npt.NDArray[np.bool_] = own.to_numpy() & (keys > 0)
    return found
