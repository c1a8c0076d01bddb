"""``labels``: bring judgements in and out."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from labels.exchange import Format
from pipelines.commands import asking, audits, serving
from pipelines.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    labels = typer.Typer(help="Bring judgements on firms in and out.", no_args_is_help=True)
    labels.command("import")(labels_import)
    labels.command("export")(labels_export)
    labels.command("merge")(labels_merge)
    labels.command("accept")(labels_accept)
    labels.command("check")(labels_check)
    audits.register(labels)
    asking.register(labels)
    serving.register(labels)
    app.add_typer(labels, name="labels")


def labels_import(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="What to bring in: CSV, what --format says, or a list sent back with its columns wrong or missing "
            "filled in (CSV or Excel)."
        ),
    ],
    complete: Annotated[
        bool,
        typer.Option(
            "--complete", help="A sector not listed is an exclude: JSON lines of firm_id and sectors, doccano."
        ),
    ] = False,
    format: Annotated[Format, typer.Option(help="What the file is.")] = "csv",
    coder: Annotated[
        list[str] | None,
        typer.Option(help="Who judged: NAME, or ID=NAME for each annotator whom the tool numbers."),
    ] = None,
) -> None:
    """Add judgements to the label store; all of the file, or, with the row that is wrong, none."""
    from pipelines.label_exchange import Source, import_labels
    from pipelines.runs import start_run
    from pipelines.workspace import Workspace

    coders = {who.rpartition("=")[0]: who.rpartition("=")[2] for who in coder or ()}
    with start_run(Workspace(context.obj), "labels import") as run:
        number = import_labels(run, Source(file, format, complete, coders))
    sys.stdout.write(f"{number} judgements added to {run.workspace.labels_file}\n")
    if (found := run.notes.get("list")) is not None:
        sys.stdout.write(f"{found['answered']} of {found['rows']} rows of the list had an answer.\n")
        if found["narrowed"]:
            sys.stdout.write(
                f"{found['narrowed']} rows of several sectors had a mark and no key: it was taken for the narrowest.\n"
            )


def labels_export(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="File to write; a folder for argilla.")],
    format: Annotated[
        Format, typer.Option(help="csv: every judgement; label-studio, argilla, doccano: firms with their words.")
    ] = "csv",
    sector: Annotated[list[str] | None, typer.Option(help="Sector to ask about; all when not given.")] = None,
    firms: Annotated[
        Path | None, typer.Option(help="CSV with a column firm_id: the firms; those judged when not given.")
    ] = None,
) -> None:
    """Write every judgement to a CSV file, or hand firms to an annotation tool."""
    from pipelines.label_exchange import export_firms, export_labels, settings_file
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    if format == "csv":
        if sector or firms:
            raise UsageError("--sector and --firms are for annotation tools; the CSV holds every judgement")
        sys.stdout.write(f"{export_labels(workspace, out)} judgements written to {out}\n")
        return
    done = export_firms(workspace, format, out, sector or (), firms)
    sys.stdout.write(
        f"{done.firms} firms written to {out}, the settings for {format} to {settings_file(format, out)}\n"
        + (f"{done.wordless} firms have no words and were left out.\n" if done.wordless else "")
    )


def labels_merge(
    context: typer.Context,
    other: Annotated[Path | None, typer.Argument(help="Another analyst's labels.csv.")] = None,
) -> None:
    """Take another store's judgements in; without a file, settle what a merge of git left in this one."""
    from pipelines.judging import merge_labels
    from pipelines.runs import start_run
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), "labels merge") as run:
        done = merge_labels(run, other)
    if done.markers:
        sys.stdout.write("The judgements of both sides are kept, and the conflict markers of git are gone.\n")
    if other is None and not done.markers:
        sys.stdout.write("Nothing to settle: git left no conflict markers.\n")
    if other is not None:
        sys.stdout.write(f"{done.added} judgements added to {run.workspace.labels_file}\n")


def labels_accept(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why the lines were changed; kept in labels.seal.")],
) -> None:
    """Let a change that was made in labels.csv by hand stand, and write down why."""
    from pipelines.judging import accept_changes
    from pipelines.runs import start_run
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), "labels accept") as run:
        given_up = accept_changes(run, reason)
    sys.stdout.write("".join(f"given up: {what}\n" for what in given_up))


def labels_check(
    context: typer.Context,
    sector: Annotated[list[str] | None, typer.Option(help="Sector to check; all when not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for a program.")] = False,
) -> None:
    """Rank the judgements to look at again: those the model contradicts, and those on words that have changed."""
    from pipelines.label_checks import check_labels
    from pipelines.label_screen import print_check
    from pipelines.runs import start_run
    from pipelines.screen import Screen
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), "labels check") as run:
        found = check_labels(run, Screen(), sector or ())
    if as_json:
        sys.stdout.write(json.dumps(asdict(found), indent=1) + "\n")
    else:
        print_check(found)
