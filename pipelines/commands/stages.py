"""The stages as commands: crawl, match, train, evaluate, classify, rollup; and nightly, all in order."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from pipelines.nightly import Summary
    from pipelines.workspace import Workspace

EngineKind = Annotated[
    Literal["", "local", "dask"],
    typer.Option("--engine", help="Where the work runs: local or dask; else as engine.kind says.", show_default=False),
]
Scheduler = Annotated[
    str, typer.Option(help="Address of the Dask scheduler, e.g. tls://10.0.0.5:8786.", show_default=False)
]
Workers = Annotated[
    int, typer.Option(min=0, help="Processes on this machine; 0: as engine.workers says.", show_default=False)
]
Insecure = Annotated[
    bool, typer.Option("--insecure-cluster", help="Allow a scheduler on another machine without encryption.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON, for a program.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (demo, nightly, crawl, match, train, evaluate, classify, rollup):
        app.command()(command)


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder of the demo's workspace.")] = Path("firmscope-demo"),
) -> None:
    """Run the whole chain on fictional firms: real HTTP crawl, real encoder, report at the end."""
    from pipelines.demo.command import run_demo

    run_demo(folder)


def nightly(
    context: typer.Context,
    as_json: Json = False,
    json_lines: Annotated[bool, typer.Option(help="Print one line of JSON for each stage as it ends.")] = False,
    release: Annotated[str, typer.Option(help="Publish this held night, after a look at it; needs --reason.")] = "",
    reason: Annotated[str, typer.Option(help="Why it may be published all the same; stands in the report.")] = "",
    engine: EngineKind = "",
    scheduler: Scheduler = "",
    workers: Workers = 0,
    insecure_cluster: Insecure = False,
) -> None:
    """Crawl what is due, classify what changed, roll up and publish; exit 10 when the gate holds publication back."""
    from pipelines.errors import UsageError
    from pipelines.nightly import run_nightly, run_release
    from pipelines.runs import start_run
    from pipelines.screen import Screen

    if reason and not release:
        raise UsageError("--reason goes with --release RUN")
    workspace = _workspace(context, engine, scheduler, workers, insecure_cluster)
    with start_run(workspace, "nightly") as run:
        run.beside = sys.stdout if json_lines else None
        summary = run_release(run, release, reason) if release else run_nightly(run, Screen())
    if as_json:
        _print_json({"outcome": run.outcome, **summary.as_dict()})
    elif not json_lines:
        _print_summary(workspace, summary)
    if summary.held:
        raise typer.Exit(10)


def crawl(
    context: typer.Context,
    engine: EngineKind = "",
    scheduler: Scheduler = "",
    workers: Workers = 0,
    insecure_cluster: Insecure = False,
) -> None:
    """Visit the websites that are due."""
    from pipelines.crawling import run_crawl
    from pipelines.runs import start_run
    from pipelines.screen import Screen

    workspace = _workspace(context, engine, scheduler, workers, insecure_cluster)
    with start_run(workspace, "crawl") as run, Screen().bar("Crawling sites") as progress:
        run_crawl(run, progress)
    outcomes = ", ".join(f"{outcome} {number}" for outcome, number in run.notes["outcomes"].items())
    sys.stdout.write(f"Outcomes of all firms: {outcomes or 'no firms yet'}\n")
    if allowed := run.notes.get("allowed_addresses"):
        sys.stdout.write(f"Allowed besides public addresses, by crawl.allow_addresses: {', '.join(allowed)}\n")


def match(
    context: typer.Context,
    firm: Annotated[str, typer.Option(help="Say why this firm's site is, or is not, taken for its own.")] = "",
    as_json: Json = False,
    engine: EngineKind = "",
    scheduler: Scheduler = "",
    workers: Workers = 0,
    insecure_cluster: Insecure = False,
) -> None:
    """Score whether each firm's site is its own, with reasons."""
    from pipelines.matching import explain, run_match
    from pipelines.runs import start_run
    from pipelines.screen import Screen

    workspace = _workspace(context, engine, scheduler, workers, insecure_cluster)
    if firm:
        workspace.require()
        rows = explain(workspace.lake, firm)
        if as_json:
            _print_json([{name: value for name, value in row.items() if name != "shard"} for row in rows])
            return
        for row in rows:
            said = "is" if row["matched"] else "is not"
            sys.stdout.write(f"{row['site']} {said} taken for the site of {firm} (score {row['score']:.2f}):\n")
            sys.stdout.writelines(f"  - {reason}\n" for reason in row["reasons"])
        return
    with start_run(workspace, "match") as run, Screen().bar("Comparing sites and firms") as progress:
        run_match(run, progress)
    found = run.notes["match"]
    if as_json:
        _print_json({"run_id": run.run_id, **found})
        return
    sys.stdout.write(
        f"{found['compared']} sites compared with the firms they were read for: {found['matched']} recognised as the "
        f"firm's own, {found['not_recognised']} not. Why? firmscope match --firm FIRM_ID\n"
    )


def train(context: typer.Context) -> None:
    """Train a model on the labels and the seed examples; the next classify uses it, unless it is worse."""
    from pipelines.promotion import held_back
    from pipelines.runs import start_run
    from pipelines.screen import Screen
    from pipelines.training import run_train
    from pipelines.workspace import Workspace

    with start_run(Workspace(context.obj), "train") as run:
        trained = run_train(run, Screen())
    sys.stdout.write(
        f"Model {trained.model_id} trained on {trained.labelled_firms} labelled firms and {trained.seeds} seed "
        "examples. How good is it? firmscope evaluate\n"
    )
    for left_out in trained.rules_left_out:
        sys.stdout.write(f"Left out: {left_out.sector}: keyword rule {left_out.rule[:120]!r}, {left_out.why}\n")
    if trained.untrained:
        sys.stdout.write(
            f"Not trained, too few includes or excludes (never assigned): {', '.join(trained.untrained)}\n"
        )
    if trained.held_back:
        raise held_back(Workspace(context.obj), trained.model_id, trained.held_back)


class Split(StrEnum):
    """How firms are held out."""

    folds = "folds"
    holdout = "holdout"


def evaluate(
    context: typer.Context,
    as_json: Json = False,
    split: Annotated[
        Split, typer.Option(help="folds: every firm once, in five folds; holdout: 30 % of the firms, always the same.")
    ] = Split.folds,
    prevalence: Annotated[
        list[str] | None,
        typer.Option(help="Share of all firms in a sector, as sector=0.01 or a CSV file; may be repeated."),
    ] = None,
) -> None:
    """Train on a part of the labelled firms and score the rest, beside the baselines; writes a page into the report."""
    from labels.taxonomy import load_taxonomy
    from pipelines.evaluating import run_evaluate
    from pipelines.prevalence import read_prevalence
    from pipelines.runs import start_run
    from pipelines.screen import Screen, evaluation_tables, print_table
    from pipelines.workspace import Workspace

    workspace = Workspace(context.obj)
    workspace.require()
    shares = read_prevalence(prevalence or [], load_taxonomy(workspace.taxonomy_file).keys)
    with start_run(workspace, "evaluate") as run:
        found = run_evaluate(run, Screen(), split.value, shares)
    if as_json:
        _print_json(found.as_dict())
        return
    for table in evaluation_tables(found.evaluation, found.evaluated_on):
        print_table(table)
    for method in found.left_out:
        sys.stdout.write(f"Not compared with {method.method}: {method.reason}.\n")
    sys.stdout.write(f"Page: {found.page}\n")


def classify(
    context: typer.Context,
    engine: EngineKind = "",
    scheduler: Scheduler = "",
    workers: Workers = 0,
    insecure_cluster: Insecure = False,
) -> None:
    """Assign firms whose words changed to sectors, with the newest model."""
    from pipelines.classifying import run_classify
    from pipelines.runs import start_run
    from pipelines.screen import Screen

    with start_run(_workspace(context, engine, scheduler, workers, insecure_cluster), "classify") as run:
        run_classify(run, Screen())
        counts = run.stages["classify"]
    sys.stdout.write(f"{counts.rows_out} firms classified, {counts.unchanged} unchanged.\n")


def rollup(
    context: typer.Context,
    engine: EngineKind = "",
    scheduler: Scheduler = "",
    workers: Workers = 0,
    insecure_cluster: Insecure = False,
) -> None:
    """Work out every cluster's figures by area; hotspots, related clusters and distortions beside them."""
    from pipelines.publishing import run_rollup
    from pipelines.runs import start_run

    with start_run(_workspace(context, engine, scheduler, workers, insecure_cluster), "rollup") as run:
        run_rollup(run)
    written = run.stages["rollup"].written.get("cells", 0)
    sys.stdout.write(f"{written:,} figures written.\n" if written else "No figure changed.\n")
    for sentence in run.notes["premises"]["sentences"]:
        sys.stdout.write(sentence + "\n")


def _workspace(
    context: typer.Context, engine: Literal["", "local", "dask"], scheduler: str, workers: int, insecure: bool
) -> Workspace:
    """The workspace, its work on the engine that the command line names."""
    from pipelines.engines import EngineChoice
    from pipelines.workspace import Workspace

    return Workspace(context.obj, EngineChoice(engine, scheduler, workers, insecure))


def _print_summary(workspace: Workspace, summary: Summary) -> None:
    from pipelines.night.terminal import print_night
    from pipelines.night.wording import tell
    from pipelines.screen import cluster_table, print_table

    if summary.facts.night and summary.facts.night.before is None:
        print_table(cluster_table(summary.clusters))
    print_night(tell(summary.facts))
    shown = (
        workspace.published_folder / (summary.facts.held_run or summary.facts.run_id) / "report"
        if summary.held
        else workspace.report_folder
    )
    sys.stdout.write(f"\nReport:  {shown / 'index.html'}\nExports: {workspace.exports_folder}\n")


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=1, default=str) + "\n")
