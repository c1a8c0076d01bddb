"""Registered offices as rows of the table premises, beside what lists and websites say of the same firms.

Where the register names an office that is known from elsewhere, its row takes the other's place: it stands once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.schemas import arrow_schema
from pipelines.tables import PREMISES

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.geography.postcodes import Places

SOURCE = "register"
MALFORMED = "malformed"


def offices(rows: pa.Table) -> pa.Table:
    """Registered offices of the file's rows, in the columns of ``premises``, not yet placed on the map."""
    import pyarrow as pa

    schema = arrow_schema(PREMISES)
    given = {
        "shard": rows["shard"], "firm_id": rows["firm_id"], "postcode": rows["postcode"],
        "kind": pa.array(["registered"]).take(pa.array([0] * rows.num_rows, pa.int8())),
        "source": pa.array([SOURCE]).take(pa.array([0] * rows.num_rows, pa.int8())),
    }  # fmt: skip
    return pa.table({one.name: given.get(one.name, pa.nulls(rows.num_rows, one.type)) for one in schema}, schema=schema)


def on_the_map(premises: pa.Table, rows: pa.Table, places: Places) -> pa.Table:
    """Offices with their place, or the word that says why they have none.

    Args:
        premises: Rows of :func:`offices`.
        rows: The rows of the file that they were made of.
        places: The postcode directory, opened once for all shards: it is checked whole each time.
    """
    import pyarrow.compute as pc

    from pipelines.geography.postcodes import placed

    if not premises.num_rows:
        return premises
    found = placed(premises, places)
    place = found.column_names.index("unplaced")
    words = pc.if_else(rows["odd_postcode"], MALFORMED, found["unplaced"])
    return found.set_column(place, found.schema.field(place), words)


def merged_premises(held: pa.Table, placed: pa.Table, gone: Sequence[str]) -> pa.Table:
    """Premises of a shard as they are to be.

    Args:
        held: All columns of ``premises``, the addresses of the shard's firms.
        placed: Registered offices of the firms that the file speaks of, in the same columns.
        gone: Firms that are no longer in the table firms under this id.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    ours = pc.and_(
        pc.equal(held["source"], SOURCE), pc.is_in(held["firm_id"], value_set=placed["firm_id"].combine_chunks())
    )
    leaving = pc.or_(ours, pc.is_in(held["firm_id"], value_set=pa.array(list(gone), pa.string())))
    kept = held.filter(pc.invert(leaving))
    # A register row without a usable postcode would hide what the list or the website says of the registered office.
    located = pc.or_(pc.is_valid(kept["postcode"]), pc.is_valid(kept["lad_code"]))
    known = kept.filter(pc.and_(pc.equal(kept["kind"], "registered"), located))
    elsewhere = pc.is_in(placed["firm_id"], value_set=known["firm_id"].combine_chunks())
    placed = placed.filter(pc.or_(pc.is_valid(placed["postcode"]), pc.invert(elsewhere)))
    kept = kept.filter(pc.invert(pc.is_in(_address(kept), value_set=_address(placed))))
    return pa.concat_tables([kept, placed]).combine_chunks()


def _address(premises: pa.Table) -> pa.Array:
    """Firm, kind and postcode in one text; without a postcode too, for that is a key like any other."""
    import pyarrow as pa
    import pyarrow.compute as pc

    postcode = pc.fill_null(premises["postcode"], "")
    joined = pc.binary_join_element_wise(postcode, premises["kind"], premises["firm_id"], "\n")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined
