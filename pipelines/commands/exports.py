"""``export``: hand over firms, scores, cells or evidence as a file."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class What(StrEnum):
    """What can be exported."""

    firms = "firms"
    scores = "scores"
    cells = "cells"
    evidence = "evidence"


class Format(StrEnum):
    """File formats."""

    csv = "csv"
    parquet = "parquet"
    xlsx = "xlsx"
    geojson = "geojson"
    kml = "kml"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(export)


def export(
    context: typer.Context,
    what: Annotated[What, typer.Argument(help="What to export.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    file_format: Annotated[
        Format,
        typer.Option(
            "--format",
            help="csv and xlsx: for spreadsheets; parquet: exact; geojson: firms or cells on a map; kml: firms.",
        ),
    ] = Format.csv,
    bom: Annotated[
        bool, typer.Option("--bom", help="Begin the CSV with a byte-order mark, by which Excel knows UTF-8.")
    ] = False,
    cluster: Annotated[
        list[str] | None, typer.Option(help="Sector or cluster to restrict the list to; may be given again.")
    ] = None,
    area: Annotated[
        list[str] | None,
        typer.Option(
            help="Area to restrict it to: ONS code, area of your own, postcode area or H3 cell; may be given again."
        ),
    ] = None,
    min_probability: Annotated[float | None, typer.Option(help="Memberships of at least this probability.")] = None,
    entered_since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Memberships that began on this day or later.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="The list as it stood at the end of a day (2026-06-30), or as a run left it.")
    ] = None,
) -> None:
    """Write a list to a file, and where it comes from to FILE.meta.json."""
    from pipelines.exporting.filters import Filters
    from pipelines.list_making import Wanted, export_list
    from pipelines.moments import moment_as_of, without_words
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    since = entered_since.date() if entered_since else None
    filters = Filters(
        tuple(dict.fromkeys(cluster or ())), tuple(dict.fromkeys(area or ())), min_probability, since
    )  # fmt: skip
    done = export_list(workspace, Wanted(what.value, file_format.value, out, filters, as_of, bom))
    said = [f"{done.rows} rows written to {out}"]
    if filters:
        said.append(f"{done.left_out} rows left out by the filters")
    said += [f"{count} {name.replace('_', ' ')}" for name, count in done.further.items() if count]
    sys.stdout.write("\n".join(said) + "\n")
    for sentence in without_words(moment_as_of(workspace, as_of)) if as_of else ():
        sys.stderr.write(f"{sentence}\n")
