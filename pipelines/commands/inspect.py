"""``runs``, ``diff`` and ``explain``: what happened, who entered and left lists and why, and why a firm is in one."""

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
    app.command()(diff)
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


def diff(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="A run, the start of its id, or a day (YYYY-MM-DD): its last state.")],
    after: Annotated[str, typer.Argument(help="Another, to compare it with.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for a program.")] = False,
    cluster: Annotated[str, typer.Option(help="Key of one sector or cluster: only its list.")] = "",
) -> None:
    """Say who entered and left each list between two runs or days, and why."""
    from dataclasses import asdict

    from pipelines.churn.comparing import churn_between
    from pipelines.churn.headlines import headlines
    from pipelines.churn.result import of_one_list
    from pipelines.diff_screen import print_diff
    from pipelines.moments import moment_as_of
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    moments = moment_as_of(workspace, before), moment_as_of(workspace, after)
    found = churn_between(workspace, *moments)
    if cluster:
        found = of_one_list(found, cluster)
    figures = headlines(*moments, [one.key for one in found.lists])
    if as_json:
        answer = (found.as_dict(len(found.moves)) if cluster else found.as_dict()) | {
            "figures": [asdict(one) for one in figures]
        }
        sys.stdout.write(json.dumps(answer, indent=1) + "\n")
    else:
        print_diff(found, figures)


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
