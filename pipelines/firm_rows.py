"""Rows of firms as records: those that the lake holds of some firms, and a new firm of which nothing is known yet."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeAlias

from pipelines.store import Lake, shard_of
from pipelines.tables import FIRMS

LIST_COLUMNS = ("shard", "firm_id", "name", "website", "vat_number")  # columns of firms that the register does not fill

Row: TypeAlias = dict[str, Any]


def new_firm() -> dict[str, Any]:
    return dict.fromkeys(column.name for column in FIRMS.columns if column.name != "shard")


def held_rows(lake: Lake, table: str, ids: Collection[str]) -> list[Row]:
    """Rows of these firms; one shard of the table is in memory at a time, and only those that hold one of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(sorted(set(ids)), pa.string())
    rows: list[Row] = []
    for shard in sorted({shard_of(firm_id, lake.shards) for firm_id in set(ids)}):
        held = lake.read_arrow(table, shards=[shard])
        rows += held.filter(pc.is_in(held["firm_id"], value_set=wanted)).to_pylist()
    return rows


def address_of(row: Row) -> tuple[str, str | None, str]:
    return row["firm_id"], row["postcode"], row["kind"]
