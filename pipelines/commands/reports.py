"""``report``: publish exports and report; a report as of a day; a cluster's page as PDF, its map in 3-D."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

Cluster = Annotated[str, typer.Argument(help="Key of a sector or cluster.")]
Out = Annotated[Path, typer.Option(help="File to write.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    report = typer.Typer(help="Publish exports and report; or print, or draw, a part of it.")
    report.callback(invoke_without_command=True)(publish)
    report.command("pdf")(pdf)
    report.command("map3d")(map3d)
    app.add_typer(report, name="report")


def publish(
    context: typer.Context,
    as_of: Annotated[str, typer.Option(help="A day (YYYY-MM-DD) or a run: the figures as they were then.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for that report; needed with --as-of.")] = None,
) -> None:
    """Publish exports and report of the tables as they stand; exit 10 when the gate holds them back."""
    if context.invoked_subcommand:
        return
    from pipelines.errors import UsageError
    from pipelines.moments import moment_as_of, without_words
    from pipelines.publishing import report_as_of, run_publish
    from pipelines.runs import start_run
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    if bool(as_of) != bool(out):
        raise UsageError("--as-of DAY and --out FOLDER go together: what is published is always of now")
    if out is not None:
        workspace.require()
        sys.stdout.write(f"Report: {report_as_of(workspace, as_of, out)}\n")
        for sentence in without_words(moment_as_of(workspace, as_of)):
            sys.stderr.write(f"{sentence}\n")
        return
    with start_run(workspace, "report") as run:
        outcome = run_publish(run)
    if outcome.verdict == "held":
        for sentence in outcome.published.gate["reasons"]:
            sys.stdout.write(f"Held back: {sentence}\n")
        sys.stdout.write(f"Look at {outcome.published.folder / 'report' / 'index.html'}; then publish it with:\n")
        sys.stdout.write(f"  firmscope nightly --release {outcome.published.run_id} --reason '...'\n")
        raise typer.Exit(10)
    sys.stdout.write(f"Report: {workspace.report_folder / 'index.html'}\n")


def pdf(context: typer.Context, cluster: Cluster, out: Out) -> None:
    """Print a cluster's page of the published report to PDF, with the Chromium of this machine."""
    from pipelines.publication import refuse_within
    from pipelines.reporting.pdf import cluster_pdf
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    refuse_within(workspace, out)
    sys.stdout.write(f"PDF: {cluster_pdf(workspace.report_folder, cluster, out)}\n")


def map3d(context: typer.Context, cluster: Cluster, out: Out) -> None:
    """Draw a cluster's map in three dimensions as one page of its own (pip install 'firmscope[maps3d]')."""
    from pipelines.maps.drawing import draw_3d
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    sys.stdout.write(f"Map: {draw_3d(workspace, cluster, out)}\n")
