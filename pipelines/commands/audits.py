"""``labels audit``, ``labels agreement`` and ``labels settle``: measure how good the lists are, and what the counts
should be."""

from __future__ import annotations

import json
import secrets
import sys
from dataclasses import asdict
from typing import Annotated

import typer


def register(labels: typer.Typer) -> None:
    """Add the commands to the group ``labels``."""
    for command in (audit, agreement, settle):
        labels.command()(command)


def audit(
    context: typer.Context,
    sector: Annotated[
        list[str] | None,
        typer.Option(help="A sector to audit; may be given several times. All of them when not given."),
    ] = None,
    size: Annotated[int | None, typer.Option(help="Firms to judge in each sector, beside the largest.")] = None,
    by_area: Annotated[bool, typer.Option("--by-area", help="Spread the sample evenly over areas.")] = False,
    coder: Annotated[list[str] | None, typer.Option(help="Name of a coder; two of them.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Number that chance starts from, to draw the same sample again.")
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="Draw another sample although this model has one.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for a program.")] = False,
) -> None:
    """Draw firms for coders to judge, or say how far the audit of this model is and what it says."""
    from pipelines.auditing import Request, draw_audit, progress_of
    from pipelines.current_audits import current_audits
    from pipelines.runs import start_run
    from pipelines.screen import Screen, audit_table, print_table
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    audits = current_audits(workspace)
    if audits and not new:
        progress = progress_of(workspace, audits[-1])
        if as_json:
            _print_json({"audit_id": audits[-1].audit_id, "model_id": audits[-1].model_id, "sectors": [
                {
                    "sector": at.result.sector, "drawn": len(at.result.firm_ids), "judged": at.result.words,
                    "judged_twice": at.result.twice, "settled": at.result.settled, "conflicts": at.conflicts,
                    **asdict(at.quality),
                }
                for at in progress
            ]})  # fmt: skip
            return
        print_table(audit_table(audits[-1], progress))
        sys.stdout.write("Another sample: firmscope labels audit --new\n")
        return
    defaults = Request()
    request = Request(
        sectors=tuple(sector or ()), size=size or defaults.size, by_area=by_area,
        seed=secrets.randbelow(2**31) if seed is None else seed, coders=tuple(coder or defaults.coders),
    )  # fmt: skip
    with start_run(workspace, "labels audit") as run, Screen().bar("Looking for evidence") as moved:
        drawn, folder = draw_audit(run, request, moved)
    if as_json:
        _print_json({"audit_id": drawn.audit_id, "folder": str(folder), "drawn": len(drawn.sample), "seed": drawn.seed})
        return
    sys.stdout.write(
        f"Audit {drawn.audit_id}: {len(drawn.sample)} judgements to make in {len(drawn.sectors)} sectors.\n"
        + "".join(f"Sheet of {name}: {folder / name}.csv\n" for name in drawn.coders)
        + "Fill the column label with include, exclude or unsure, each coder alone, and bring the sheets in with:\n"
        "firmscope labels import SHEET.csv\n"
    )


def agreement(
    context: typer.Context,
    audit_id: Annotated[str, typer.Option("--audit", help="An audit; the newest when not given.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="All judgements, not those of an audit alone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for a program.")] = False,
) -> None:
    """Print how far coders agree in each sector, and the firms on which they do not."""
    from pipelines.auditing import agreement_of
    from pipelines.label_screen import MAX_ROWS, agreement_table, conflict_table, reliability_table
    from pipelines.screen import print_table
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    found = agreement_of(workspace, audit_id, everything=everything)
    if as_json:
        _print_json(asdict(found))
        return
    print_table(agreement_table(found.agreement))
    print_table(reliability_table(found.alpha))
    if found.conflicts:
        print_table(conflict_table(found.conflicts))
        if len(found.conflicts) > MAX_ROWS:
            sys.stdout.write(f"... and {len(found.conflicts) - MAX_ROWS} more; --json lists them all\n")
        sys.stdout.write("Settle each with: firmscope labels settle FIRM_ID SECTOR LABEL\n")


def settle(
    context: typer.Context,
    firm_id: Annotated[str, typer.Argument(help="The firm.")],
    sector: Annotated[str, typer.Argument(help="The sector.")],
    label: Annotated[str, typer.Argument(help="include, exclude, or unsure to open the pair again.")],
    note: Annotated[str, typer.Option(help="Why.")] = "",
) -> None:
    """End a disagreement: this label holds, whatever coders said."""
    from pipelines.auditing import settle as write
    from pipelines.runs import start_run
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), "labels settle") as run:
        write(run, firm_id, sector, label, note)
    sys.stdout.write(f"{firm_id} {sector}: {label}\n")


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=1) + "\n")
