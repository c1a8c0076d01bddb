"""``runs`` and ``explain``: what happened, run by run, and why a firm stands where it stands."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    runs = typer.Typer(help="See what happened.", no_args_is_help=True)
    runs.command("list")(runs_list)
    runs.command("show")(runs_show)
    app.add_typer(runs, name="runs")
    app.command()(explain)


def runs_list(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the runs of the workspace, oldest first."""
    from pipelines.runs import list_runs
    from pipelines.screen import print_table, runs_table
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    manifests = list_runs(workspace)
    if as_json:
        sys.stdout.write(json.dumps(manifests, indent=1) + "\n")
    else:
        print_table(runs_table(manifests))


def runs_show(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(help="The run, or the start of its id; the newest when not given.")] = "",
) -> None:
    """Print the manifest of one run."""
    from pipelines.errors import UsageError
    from pipelines.runs import list_runs
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    manifests = list_runs(workspace)
    found = [manifest for manifest in manifests if manifest["run_id"].startswith(run_id)] if run_id else manifests[-1:]
    if len(found) != 1:
        raise UsageError(f"{len(found)} runs begin with {run_id!r}; firmscope runs list shows them all")
    sys.stdout.write(json.dumps(found[0], indent=1) + "\n")


def explain(
    context: typer.Context,
    firm_id: Annotated[str, typer.Argument(help="The firm, as the firm list names it.")],
    sector: Annotated[str, typer.Option(help="Key of one sector: what speaks for it, assigned or not.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for a program.")] = False,
) -> None:
    """Say why a firm is in its sectors, what it came closest to besides, or why it is in none."""
    from dataclasses import asdict

    from pipelines.explain_screen import print_explanation
    from pipelines.explaining import explain_firm
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    found = explain_firm(workspace, firm_id, sector)
    if as_json:
        sys.stdout.write(json.dumps(asdict(found), indent=1, default=str) + "\n")
    else:
        print_explanation(found)
