"""``labels`` and ``taxonomy``: bring judgements in and out, and look at what is sought."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands import audits


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    labels = typer.Typer(help="Bring judgements on firms in and out.", no_args_is_help=True)
    labels.command("import")(labels_import)
    labels.command("export")(labels_export)
    audits.register(labels)
    app.add_typer(labels, name="labels")
    taxonomy = typer.Typer(help="Look at the sectors.", no_args_is_help=True)
    taxonomy.command("show")(taxonomy_show)
    taxonomy.command("check")(taxonomy_check)
    app.add_typer(taxonomy, name="taxonomy")


def labels_import(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV of judgements; with --complete, JSON lines.")],
    complete: Annotated[
        bool,
        typer.Option("--complete", help="JSON lines of firm_id and sectors; a sector not listed is an exclude."),
    ] = False,
) -> None:
    """Add judgements to the label store; all of the file, or, with the row that is wrong, none."""
    from pipelines.judging import import_labels
    from pipelines.runs import start_run
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), "labels import") as run:
        number = import_labels(run, file, complete)
    sys.stdout.write(f"{number} judgements added to {run.workspace.labels_file}\n")


def labels_export(context: typer.Context, out: Annotated[Path, typer.Option(help="CSV file to write.")]) -> None:
    """Write every judgement to a CSV file."""
    from pipelines.judging import export_labels
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    sys.stdout.write(f"{export_labels(workspace, out)} judgements written to {out}\n")


def taxonomy_show(context: typer.Context) -> None:
    """Print the sectors with their parents and definitions."""
    from labels.taxonomy import load_taxonomy
    from pipelines.screen import print_table, taxonomy_table
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    print_table(taxonomy_table(load_taxonomy(workspace.taxonomy_file)))


def taxonomy_check(context: typer.Context) -> None:
    """Check taxonomy.yaml and seeds.yaml."""
    from labels.seeds import load_seeds
    from labels.taxonomy import load_taxonomy
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    seeds = load_seeds(workspace.seeds_file, taxonomy)
    sys.stdout.write(f"{len(taxonomy.keys)} sectors and {len(seeds)} seed examples: no problem found.\n")
