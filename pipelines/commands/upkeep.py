"""``vacuum``: remove what has had its time."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(vacuum)


def vacuum(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    r"""Remove past states, runs, publications and raw answers that have had their time (settings of \[keep])."""
    from datetime import UTC, datetime

    from pipelines import vacuum as work
    from pipelines.runs import start_run
    from pipelines.workspace import Workspace

    workspace, now = Workspace(context.obj), datetime.now(UTC)
    workspace.require()
    if dry_run:
        done = work.would_vacuum(workspace, now)
    else:
        with start_run(workspace, "vacuum") as run:
            done = work.vacuum(run, now)
    sys.stdout.write(json.dumps(done.as_dict(), indent=1) + "\n" if as_json else "\n".join(done.sentences()) + "\n")
