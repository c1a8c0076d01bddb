"""Write ``DATA.md``, the data dictionary, from the schemas of tables and exports: it cannot say anything else.

Metrics and flags are read from where they are defined, too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

from pipelines.export_files import FORMATS
from pipelines.exporting.columns import ANSWERED, ANSWERS, CLUSTER_SHEET, EXPORTS, FIRM_FLAGS
from pipelines.statistics.catalogue import METRICS
from pipelines.statistics.flags import FLAGS
from pipelines.tables import TABLES, Column, Table

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
IN_FILES = KINDS | {"vector": "list of numbers"}

HEAD = """# Data dictionary

Generated from `pipelines/tables.py` and `pipelines/exporting/columns.py` by `make data-dictionary`; a test compares
them.

Every table is an Apache Iceberg table in the workspace's `lake/`, partitioned by `shard`. Missing is null, never 0 or
an empty text. A column marked *optional* may be null.
"""


EXPORTS_HEAD = """# Exports

Files that `firmscope export` and the night write. Lists stand in one cell, joined by `;`, but in Parquet and GeoJSON;
instants are ISO 8601 in UTC; missing is empty. In CSV and Excel a text that a spreadsheet would take for a formula has
an apostrophe before it, which can be taken off again, and characters that no such file may hold are shown as a mark and
counted; Parquet is exact. Excel takes 32,767 characters a cell: what is longer is cut, and counted.

Beside each file lies `FILE.meta.json` (run, model, taxonomy, coverage, filters, rows left out, SHA-256), and beside
cells as CSV also `FILE-metadata.json`, which describes them as CSVW. GeoJSON and KML have firms as points at the place
at which they are counted, and GeoJSON has cells as one hexagon for each cluster and H3 cell, with a property for each
metric; what has no place is counted in the note.
"""
ROWS = {
    "firms": "one row per firm of the imported list, by firm_id",
    "scores": "one row per firm and sector, by firm_id, then in taxonomy order",
    "cells": "one row per cluster, area, metric and period, in taxonomy order",
    "evidence": "one row per firm and sector it was put in, and one for its near miss, by firm_id",
}


def data_dictionary() -> str:
    """The data dictionary as Markdown."""
    tables = [_section(table) for table in TABLES.values()]
    exports = [EXPORTS_HEAD, *(_export(name) for name in EXPORTS), _cluster_sheet(), _answers()]
    return "\n".join([HEAD, *tables, _metrics(), _flags(), *exports, _firm_flags()])


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
    return "\n".join([*lines, "", *_columns(table.columns), ""])


def _export(name: str) -> str:
    row = ROWS[name]
    formats = ", ".join(FORMATS[name])
    lines = [
        f"## Export {name}",
        "",
        f"{row[0].upper()}{row[1:]}. Formats: {formats}.",
        "",
        *_columns(EXPORTS[name], IN_FILES),
    ]
    return "\n".join([*lines, ""])


def _cluster_sheet() -> str:
    told = "One row per firm of the cluster, the most probable first, with the evidence for this cluster and no other."
    return "\n".join(
        ["## A cluster's sheet of the firms workbook", "", told, "", *_columns(CLUSTER_SHEET, IN_FILES), ""]
    )


def _answers() -> str:
    told = (
        f"At the end of {' and '.join(ANSWERED)} as CSV and Excel, and of a cluster's sheet. A file that comes back "
        "with answers goes in by `firmscope labels import FILE --coder NAME`."
    )
    return "\n".join(["## Columns to answer in", "", told, "", *_columns(ANSWERS, IN_FILES), ""])


def _firm_flags() -> str:
    rows = [f"| `{name}` | {sentence} |" for name, sentence in FIRM_FLAGS.items()]
    return "\n".join(["## Flags of firms", "", "| flag | what it means |", "|---|---|", *rows, ""])


def _columns(columns: Sequence[Column], kinds: Mapping[str, str] = KINDS) -> Iterable[str]:
    yield from ("| column | kind | meaning |", "|---|---|---|")
    for column in columns:
        yield f"| {column.name} | {kinds[column.kind]}{', optional' if column.optional else ''} | {column.meaning} |"


if __name__ == "__main__":
    sys.stdout.write(data_dictionary())
