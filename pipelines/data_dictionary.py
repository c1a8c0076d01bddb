"""Write ``DATA.md``, the data dictionary, from the table schemas, so that it cannot say anything else than the code."""

from __future__ import annotations

import sys

from pipelines.statistics.catalogue import METRICS
from pipelines.statistics.flags import FLAGS
from pipelines.tables import TABLES, Table

KINDS = {
    "text": "text",
    "texts": "list of texts",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "instant": "UTC instant, microseconds",
    "date": "date",
    "vector": "list of float32",
}

HEAD = """# Data dictionary

Generated from `pipelines/tables.py` by `make data-dictionary`; a test compares the two.

Every table is an Apache Iceberg table in the workspace's `lake/`, partitioned by `shard`. Missing is null, never 0 or
an empty text. A column marked *optional* may be null.
"""


def data_dictionary() -> str:
    """The data dictionary as Markdown."""
    return "\n".join([HEAD, *(_section(table) for table in TABLES.values()), _metrics(), _flags()])


def _metrics() -> str:
    lines = ["## Metrics in cells", "", "Additive ones have a share of the whole list in `uk_share`.", "",
             "| metric | what | unit | additive | formula | source |", "|---|---|---|---|---|---|"]  # fmt: skip
    for metric in METRICS.values():
        if not metric.name.endswith("_corrected"):
            additive = "yes" if metric.additive else "no"
            cells = (f"`{metric.name}`", metric.title, metric.unit, additive, metric.formula, metric.source)
            lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    lines += ["", "`_corrected` behind a name: corrected for the classifier's errors, with an interval."]
    return "\n".join([*lines, ""])


def _flags() -> str:
    rows = [f"| `{name}` | {sentence} |" for name, sentence in FLAGS.items()]
    return "\n".join(["## Flags of cells", "", "| flag | what it means |", "|---|---|", *rows, ""])


def _section(table: Table) -> str:
    lines = [f"## {table.name}", "", f"{table.row[0].upper()}{table.row[1:]}. Key: {', '.join(table.key)}."]
    if table.note:
        lines += ["", table.note]
    lines += ["", "| column | kind | meaning |", "|---|---|---|"]
    lines += [
        f"| {column.name} | {KINDS[column.kind]}{', optional' if column.optional else ''} | {column.meaning} |"
        for column in table.columns
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(data_dictionary())
