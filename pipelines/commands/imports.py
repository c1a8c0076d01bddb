"""``import firms``, ``import texts`` and ``import warc``: bring firms and their words into a workspace."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

MAX_SHOWN = 5  # cells that could not be used, on the screen

File = Annotated[Path, typer.Argument(help="The file to import.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="Bring firms, texts and figures into the workspace.", no_args_is_help=True)
    group.command("firms")(import_firms)
    group.command("texts")(import_texts)
    group.command("warc")(import_warc)
    app.add_typer(group, name="import")


def import_firms(
    context: typer.Context,
    file: File,
    allow_missing_websites: Annotated[
        bool,
        typer.Option("--allow-missing-websites", help="Keep firms whose website is empty or unusable, without one."),
    ] = False,
) -> None:
    """Import a firm list: CSV with firm_id, name, website and further columns of the table firms."""
    from pipelines.firm_lists import nearest_column, read_firm_list
    from pipelines.importing import import_firms as write_firms
    from pipelines.runs import start_run
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), "import firms") as run:
        listed = read_firm_list(file, datetime.now(UTC).date(), allow_missing_websites)
        write_firms(run, listed)
    _say(
        f"{len(listed.firms)} firms imported, {len(listed.accounts)} with figures, {len(listed.premises)} with postcode"
    )
    for name in listed.not_taken:
        near = nearest_column(name)
        _say(f"Column {name!r} was not taken" + (f"; did you mean {near}?" if near else ""))
    for what in ("website", "postcode"):
        number = sum(1 for _, kind, _ in listed.unusable if kind == what)
        if number:
            _say(f"{number} {what} cells could not be used; all are in {run.folder / 'log.jsonl'}, the first:")
            for firm_id, _, cell in [found for found in listed.unusable if found[1] == what][:MAX_SHOWN]:
                _say(f"  {firm_id}: {cell[:80]!r}")


def import_texts(context: typer.Context, file: File) -> None:
    """Import firms and their words: JSON lines of firm_id, name, text, and optionally url and website."""
    from pipelines.importing import import_texts as write_texts
    from pipelines.runs import start_run
    from pipelines.text_lists import read_texts
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), "import texts") as run:
        texts = read_texts(file)
        write_texts(run, texts, run.started_at)
    _say(f"{len(texts.firms)} firms imported with {len(texts.pages)} texts")
    if texts.unusable:
        _say(f"{len(texts.unusable)} addresses could not be used; see {run.folder / 'log.jsonl'}")


def import_warc(
    context: typer.Context, files: Annotated[list[Path], typer.Argument(help="WARC or WET files, compressed or not.")]
) -> None:
    """Import pages from WARC or WET files in place of a crawl: our own, browsertrix's, Common Crawl's."""
    from pipelines.runs import start_run
    from pipelines.screen import Screen
    from pipelines.warc_import import import_warc as read_files
    from pipelines.workspace import Workspace

    screen = Screen()
    with (
        start_run(Workspace(context.obj), "import warc") as run,
        screen.bar("Reading files, bytes") as reading,
        screen.bar("Reading sites") as visiting,
    ):
        found = read_files(run, files, reading, visiting)
    for file in found.files:
        _say(f"{file.path.name}: {file.records:,} records, {file.answers:,} answers, {file.wanted:,} of firms listed")
        if file.faults:
            _say(f"  {file.faults:,} faults in the file, which cost what they hit; the first: {file.fault}")
    for path in found.known:
        _say(f"{path.name}: imported before")
    if found.megabytes_per_s:
        _say(f"Files were read at {found.megabytes_per_s:,.0f} MB/s")
    _say(f"{found.taken:,} firms taken, {found.left.total():,} left as they were")
    for reason, number in found.left.most_common():
        _say(f"  {number:,}: {reason}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
