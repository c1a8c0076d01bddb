"""``export``: hand over firms, scores, cells or evidence as a file."""

from __future__ import annotations

import sys
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


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(export)


def export(
    context: typer.Context,
    what: Annotated[What, typer.Argument(help="What to export.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    file_format: Annotated[
        Format, typer.Option("--format", help="CSV for spreadsheets; Parquet is exact.")
    ] = Format.csv,
) -> None:
    """Write a list to a file."""
    from pipelines.publishing import export_to
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    number = export_to(workspace, what.value, file_format.value, out)
    sys.stdout.write(f"{number} rows written to {out}\n")
