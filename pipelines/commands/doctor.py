"""``doctor``: what is wrong with the installation and the workspace, and the way back."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipelines.doctor.findings import Report

MARKS = {"ok": "ok   ", "warn": "look ", "wrong": "WRONG"}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(doctor)


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Go back to the last good state where a file is spoilt.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read tables to their ends even where digests are right.")
    ] = False,
    take_over: Annotated[
        bool,
        typer.Option(
            "--take-over", help="After a move: make a lake in a bucket this workspace's, not its old place's."
        ),
    ] = False,
) -> None:
    """Check the installation and the workspace; exit code 1 when something is wrong."""
    from pathlib import Path

    from pipelines.doctor.checkup import check_up
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    if context.obj != Path() or repair or take_over:
        workspace.require()
    if take_over:
        from pipelines.lake_folder import take_lake_over

        with workspace.locked():
            sys.stderr.write(take_lake_over(workspace.lake_folder, workspace.config.store.storage()) + "\n")
    report = check_up(workspace if workspace.config_file.is_file() else None, repair=repair, deep=deep)
    sys.stdout.write(json.dumps(report.as_dict(), indent=1) + "\n" if as_json else _told(report))
    if not report.is_well:
        raise typer.Exit(1)


def _told(report: Report) -> str:
    lines = [*report.repaired, ""] if report.repaired else []
    for found in report.findings:
        lines.append(f"{MARKS[found.state]} {found.name}: {found.seen}")
        if found.state != "ok":
            lines += [f"      expected: {found.expected}"] if found.expected else []
            lines += [f"      cure: {found.cure}"] if found.cure else []
    wrong = sum(found.state == "wrong" for found in report.findings)
    look = sum(found.state == "warn" for found in report.findings)
    lines.append(f"{wrong} wrong, {look} to look at, {len(report.findings) - wrong - look} well.")
    return "\n".join(lines) + "\n"
