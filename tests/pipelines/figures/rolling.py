"""Roll up small lists that a test writes down as DataFrames; columns that it leaves out are null."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from pipelines.figure_settings import AreasConfig, RollupConfig
from pipelines.rollup import ListTables, Rollup, rollup
from pipelines.schemas import arrow_schema
from pipelines.tables import TABLES

# The rules under which these figures were worked by hand: everything at the registered office, by district and letters.
BY_OFFICE = RollupConfig(allocation="registered")
TWO_KINDS = AreasConfig(kinds=["lad", "postcode_area"])
PLAIN = ("businesses", "employees", "turnover_gbp")


def arrow(name: str, frame: pd.DataFrame | None) -> pa.Table:
    """A table of the lake, without shard, out of the columns that a frame has."""
    wanted = arrow_schema(TABLES[name], TABLES[name].names[1:])
    if frame is None:
        return wanted.empty_table()
    columns = []
    for field in wanted:
        if field.name not in frame:
            columns.append(pa.nulls(len(frame), field.type))
            continue
        values = [
            None if not isinstance(value, list) and pd.isna(value) else value for value in frame[field.name].tolist()
        ]
        columns.append(pa.array(values, field.type))
    return pa.table(columns, names=wanted.names)


def roll(
    taxonomy: Any,
    firms: pd.DataFrame,
    premises: pd.DataFrame,
    accounts: pd.DataFrame,
    readable: Any,
    assignments: pd.DataFrame,
    untrained: Any = (),
    rules: RollupConfig = BY_OFFICE,
    kinds: AreasConfig = TWO_KINDS,
    grants: pd.DataFrame | None = None,
    **more: Any,
) -> Rollup:
    """The roll-up of DataFrames."""
    tables = ListTables(
        arrow("firms", firms), arrow("premises", premises), arrow("accounts", accounts), arrow("grants", grants),
        arrow("assignments", assignments),
    )  # fmt: skip
    return rollup(taxonomy, tables, readable, untrained, rules, kinds, **more)


def cells_of(made: Rollup, only: tuple[str, ...] = PLAIN) -> list[dict[str, Any]]:
    """Cells as records, those of today's plain figures unless others are asked for."""
    found: list[dict[str, Any]] = made.cells.to_pylist()
    return [cell for cell in found if not only or (cell["metric"] in only and cell["period"] == "latest")]
