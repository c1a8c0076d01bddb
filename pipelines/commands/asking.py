"""``labels next``: what to judge now."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from pipelines.asking_sheet import Question

COUNT = 20


def register(labels: typer.Typer) -> None:
    """Add the command to the group ``labels``."""
    labels.command("next")(labels_next)


def labels_next(
    context: typer.Context,
    sector: Annotated[str | None, typer.Option(help="The sector to judge for. All of them when not given.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Questions: a firm and a sector each.")] = COUNT,
    out: Annotated[Path | None, typer.Option(help="CSV sheet to write, to fill in and bring back.")] = None,
    coder: Annotated[
        str, typer.Option(help="Who will judge. What they judged is not asked again, now and then what others did.")
    ] = "",
    disagreements: Annotated[bool, typer.Option("--disagreements", help="Ask first what coders disagree on.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for a program.")] = False,
) -> None:
    """Choose the firms whose judgement teaches most, and a share by lot so that estimates stay honest."""
    from pipelines.asking import open_queue
    from pipelines.asking_sheet import question_sheet, questions
    from pipelines.atomic import replacing
    from pipelines.screen import Screen, print_table
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    with Screen().bar("Looking for firms to judge"):
        asked = open_queue(workspace, sector, coder=coder, disagreements=disagreements).next(count)
        found = questions(workspace, asked)
    if out is not None:
        with replacing(out) as stream:
            stream.write(question_sheet(found, coder))
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in found], indent=1) + "\n")
        return
    if not found:
        sys.stdout.write("Nothing is left to judge: every firm with words is judged, or none has been read yet.\n")
        return
    print_table(_table(found))
    if out is not None:
        sys.stdout.write(
            f"{len(found)} questions written to {out}. Fill the column label with include, exclude or unsure, and "
            f"bring the sheet in with: firmscope labels import {out}\n"
        )


def _table(found: list[Question]) -> Table:
    from rich.table import Table

    from pipelines.outside_text import page_text
    from pipelines.screen import share

    table = Table(title="To judge now", title_justify="left", show_lines=True)
    table.add_column("Firm", no_wrap=True)
    for heading in ("Name", "Sector", "Why"):
        table.add_column(heading)
    table.add_column("Probability", justify="right")
    table.add_column("What it says")
    for one in found:
        cells = (one.firm_id, one.name, one.sector, one.why)
        table.add_row(*map(_plain, cells), share(one.probability), _plain(page_text(one.sentence)))
    return table


def _plain(text: str) -> str:
    """Text of strangers, whose brackets are no colours."""
    from rich.markup import escape

    return escape(text)
