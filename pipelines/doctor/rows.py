"""Whether the rows of the tables fit together: keys once, and nothing that speaks of a firm which is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pipelines.doctor.findings import Finding, counted, first_words
from pipelines.errors import TableError
from pipelines.tables import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.store import Lake

# What a row of the first speaks of has to stand in the second. A stage commits the second before it ends, so that only
# a run under way may leave them apart.
WITHIN = (
    ("pages", "sites"),
    ("fetches", "sites"),
    ("marks", "sites"),
    ("scores", "assignments"),
    ("near_misses", "assignments"),
    ("assignments", "firms"),
)


def check_rows(lake: Lake) -> list[Finding]:
    """Keys without doubles, and firms of one table within another; shard by shard."""
    found = [*_doubles(lake), *_strangers(lake)]
    if found:
        return found
    rows = sum(_number(lake, name) for name in TABLES)
    return [Finding("rows", "ok", f"{rows:,} rows, each key once, all of firms that are there")]


def _doubles(lake: Lake) -> Iterator[Finding]:
    import pyarrow.compute as pc

    for name, table in TABLES.items():
        try:
            for shard in range(lake.shards):
                rows = lake.read_arrow(name, list(table.key), [shard])
                counts = rows.group_by(list(table.key)).aggregate([([], "count_all")])
                if counts.num_rows < rows.num_rows:
                    twice = counts.filter(pc.greater(counts["count_all"], 1))
                    example: dict[str, Any] = twice.select(list(table.key)).slice(0, 1).to_pylist()[0]
                    yield Finding(
                        "rows", "wrong",
                        f"{name}: {counted(twice.num_rows, 'key')} more than once in shard {shard}, such as {example}",
                        f"one row for each {', '.join(table.key)}",
                        "put lake/ back from a copy made before it came to this, and tell the makers",
                    )  # fmt: skip
        except TableError as error:
            yield Finding("rows", "wrong", f"{name}: {first_words(error)}", "rows of this release's schema")


def _strangers(lake: Lake) -> Iterator[Finding]:
    import pyarrow.compute as pc

    for name, within in WITHIN:
        missing, example = 0, ""
        for shard in range(lake.shards):
            ids, known = (_ids(lake, one, shard) for one in (name, within))
            strangers = ids.filter(pc.invert(pc.is_in(ids, value_set=known)))
            missing += len(strangers)
            example = example or (str(strangers[0]) if len(strangers) else "")
        if missing:
            yield Finding(
                "rows", "wrong",
                f"{name} speaks of {counted(missing, 'firm')} that {within} does not have, such as {example}",
                f"every firm of {name} in {within}",
                "firmscope nightly, which goes on where a run was killed; if it stays, put lake/ back from a copy",
            )  # fmt: skip


def _ids(lake: Lake, name: str, shard: int) -> pa.Array:
    return lake.read_arrow(name, ["firm_id"], [shard])["firm_id"].combine_chunks().unique()


def _number(lake: Lake, name: str) -> int:
    return int(lake.read_arrow(name, ["shard"]).num_rows)
