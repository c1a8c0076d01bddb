"""``import``: bring firms, their words, and what registers and others publish about them into a workspace."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

if TYPE_CHECKING:
    from pipelines.runs import Run
    from pipelines.screen import Progress

MAX_SHOWN = 5  # cells that could not be used, on the screen

File = Annotated[Path, typer.Argument(help="The file to import.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(help="Bring firms, texts and figures into the workspace.", no_args_is_help=True)
    group.command("firms")(import_firms)
    group.command("texts")(import_texts)
    group.command("warc")(import_warc)
    for name, command in OFFICIAL.items():
        group.command(name)(command)
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
    for what in ("website", "postcode", "company_number"):
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


def import_register(
    context: typer.Context,
    file: File,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day the file was made; otherwise its name says so."),
    ] = None,
    listed_only: Annotated[
        bool, typer.Option("--listed-only", help="Bring listed firms up to date, and add no other company.")
    ] = False,
) -> None:
    """Import Companies House company data (CSV or zip): every company becomes a firm, listed ones are brought up to
    date."""
    from pipelines.sources.register import import_register as read_file

    _imported(context, "register", lambda run, _: read_file(run, file, as_of.date() if as_of else None, listed_only))


def import_accounts(context: typer.Context, file: File) -> None:
    """Import accounts: a daily or monthly bulk zip of iXBRL filings, one filing, or a CSV of figures."""
    from pipelines.sources.accounts import import_accounts as read_file

    _imported(context, "accounts", lambda run, progress: read_file(run, file, progress))


def import_premises(context: typer.Context, file: File) -> None:
    """Import trading addresses: CSV of firm_id or company_number, postcode, and optionally employees."""
    from pipelines.sources.premises import import_premises as read_file

    _imported(context, "premises", lambda run, _: read_file(run, file))


def import_psc(
    context: typer.Context, files: Annotated[list[Path], typer.Argument(help="JSON lines, or a zip of them.")]
) -> None:
    """Import owners: the snapshot of people with significant control, of which only companies are kept."""
    from pipelines.sources.psc import import_psc as read_files

    _imported(context, "psc", lambda run, _: read_files(run, files))


def import_grants(context: typer.Context, file: File) -> None:
    """Import Innovate UK's funded projects: XLSX or CSV, joined by company number."""
    from pipelines.sources.grants import import_grants as read_file

    _imported(context, "grants", lambda run, _: read_file(run, file))


def import_metrics(context: typer.Context, file: File) -> None:
    """Import figures that others publish: CSV of metric, cluster, area, value, unit, source and year."""
    from pipelines.sources.metrics import import_metrics as read_file

    _imported(context, "metrics", lambda run, _: read_file(run, file))


def import_boundaries(context: typer.Context, file: File) -> None:
    """Import outlines of districts for the maps: GeoJSON or TopoJSON, such as the ONS's generalised boundaries."""
    from pipelines.geography.outlines_import import import_boundaries as read_file

    _imported(context, "boundaries", lambda run, _: read_file(run, file))


OFFICIAL: dict[str, Callable[..., None]] = {
    "register": import_register,
    "accounts": import_accounts,
    "premises": import_premises,
    "psc": import_psc,
    "grants": import_grants,
    "metrics": import_metrics,
    "boundaries": import_boundaries,
}


class _Report(Protocol):
    def sentences(self) -> list[str]:
        """What to tell the user."""


def _imported(context: typer.Context, name: str, read: Callable[[Run, Progress], _Report]) -> None:
    """Run an import and say what became of the file's rows."""
    from pipelines.runs import start_run
    from pipelines.screen import Screen
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), f"import {name}") as run, Screen().bar(f"Importing {name}") as progress:
        report = read(run, progress)
    for sentence in report.sentences():
        _say(sentence)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
