"""``search``: the firms whose words meet a keyword rule."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(search)


def search(
    context: typer.Context,
    query: Annotated[
        str, typer.Argument(help='Words, "phrases", prefix*, AND, OR, NOT, brackets, NEAR("a" "b", 8).')
    ] = "",
    sector: Annotated[str, typer.Option(help="Key of a sector, whose own keywords are searched for.")] = "",
    limit: Annotated[int, typer.Option(min=0, help="Firms shown.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for a program.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write all firms found to this CSV file.")] = None,
) -> None:
    """Find the firms that say something, with the words around it."""
    from labels.keywords import parse_rule
    from labels.taxonomy import load_taxonomy
    from pipelines.errors import UsageError
    from pipelines.screen import Screen
    from pipelines.search_screen import found_json, print_found, write_csv
    from pipelines.searching import find_firms, named, sector_rule
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    if bool(query) == bool(sector):
        raise UsageError("search for a QUERY, or for --sector KEY: expected one of the two")
    rule = parse_rule(query) if query else sector_rule(load_taxonomy(workspace.taxonomy_file), sector)
    with Screen().bar("Indexing words") as progress:
        found = named(workspace, find_firms(workspace, rule, None if csv else limit, progress))
    if csv:
        write_csv(found, csv)
    if as_json:
        sys.stdout.write(found_json(query or f"sector {sector}", found, limit))
    else:
        print_found(found, limit, csv)
