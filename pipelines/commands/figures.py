"""``figures``: scorecards, comparisons, and what lies beyond areas, as the roll-up worked them out."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for a program.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write the table to this file.")]
Area = Annotated[str, typer.Option(help="Code or name of an area, e.g. E12000004 or midlands_engine; all: everywhere.")]
Clusters = Annotated[list[str], typer.Argument(help="Keys of clusters.")]
Some = Annotated[list[str] | None, typer.Argument(help="Keys of clusters; all of them when none is named.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="See cluster figures as the roll-up worked them out.", no_args_is_help=True)
    for command in (scorecard, compare, hotspots, related, distortions):
        group.command()(command)
    app.add_typer(group, name="figures")


def scorecard(
    context: typer.Context,
    cluster: Annotated[str, typer.Argument(help="Key of the cluster.")],
    area: Area = "all",
    as_json: Json = False,
    file: Csv = None,
) -> None:
    """A cluster's scorecard in an area: computed, imported, or not available."""
    from pipelines.figure_lists import area_title, scorecard_rows
    from pipelines.figure_screen import scorecard_table
    from pipelines.screen import print_table

    rows = scorecard_rows(_workspace(context), cluster, area)
    if as_json or file is not None:
        _hand_out(rows, as_json, file)
        return
    print_table(scorecard_table(rows, f"{cluster}, {area_title(area)}"))


def compare(
    context: typer.Context, clusters: Clusters, area: Area = "midlands_engine", as_json: Json = False, file: Csv = None
) -> None:
    """Clusters side by side: an area's proportion of each one's total."""
    from pipelines.figure_lists import comparison_rows

    _hand_out(comparison_rows(_workspace(context), clusters, area), as_json, file)


def hotspots(context: typer.Context, clusters: Some = None, as_json: Json = False, file: Csv = None) -> None:
    """Places where a cluster's firms stand close together, whatever borders they cross."""
    from pipelines.figure_lists import hotspot_list

    _hand_out(hotspot_list(_workspace(context), clusters or ()), as_json, file)


def related(context: typer.Context, clusters: Some = None, as_json: Json = False, file: Csv = None) -> None:
    """Which clusters go together, by shared firms and shared places."""
    from pipelines.figure_lists import related_list

    _hand_out(related_list(_workspace(context), clusters or ()), as_json, file)


def distortions(context: typer.Context, clusters: Some = None, as_json: Json = False, file: Csv = None) -> None:
    """What makes figures look other than they are: registrations of one owner, address factories, giants."""
    from pipelines.figure_lists import distortion_list

    _hand_out(distortion_list(_workspace(context), clusters or ()), as_json, file)


def _workspace(context: typer.Context) -> Any:
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    return workspace


def _hand_out(rows: Sequence[Mapping[str, Any]], as_json: bool, file: Path | None) -> None:
    """Rows as JSON, as a file, or as a table on the screen."""
    from pipelines.screen import print_table, rows_table

    if as_json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    if file is not None:
        _write(rows, file)
        sys.stdout.write(f"{len(rows)} rows written to {file}\n")
        return
    if not rows:
        sys.stdout.write("Nothing was found.\n")
        return
    print_table(rows_table(rows))


def _write(rows: Sequence[Mapping[str, Any]], file: Path) -> None:
    from pipelines.outside_text import spreadsheet_text
    from pipelines.workspace import write_whole

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    for row in rows:
        cells = ["; ".join(value) if isinstance(value, list) else value for value in row.values()]
        writer.writerow([spreadsheet_text(cell)[0] if isinstance(cell, str) else cell for cell in cells])
    write_whole(file, text.getvalue().encode())
