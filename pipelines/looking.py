"""Look at what a night would publish: who moved and why, how unlike the firms are those learnt from, and the gate.

Everything is compared with what stands published, not with the night before: a night that was held moves no baseline.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.churn.comparing import churn_between
from pipelines.crawling import outcome_counts
from pipelines.failed_parts import FAILED
from pipelines.moments import moment_now, moment_of
from pipelines.night.disk import disk_use
from pipelines.night.facts import DriftFact, Night, NightFacts, Release, Verdict
from pipelines.night.gate import judge
from pipelines.night.gathering import gather_candidate, gather_state
from pipelines.night.moves import list_moves, movements
from pipelines.night.stage_lines import stage_facts
from pipelines.publication import sets
from pipelines.run_states import complete, is_gone
from pipelines.scheduling import Bounds

if TYPE_CHECKING:
    from pipelines.figures import Figures, Moment
    from pipelines.firm_texts import Tables
    from pipelines.moments import PastMoment
    from pipelines.publication import PublishedSet
    from pipelines.runs import Run


def look(run: Run, figures: Figures, before: PublishedSet | None) -> Night:
    """What a person is told of figures before they are published, and whether they may be.

    Args:
        run: The run that would publish.
        figures: What it would publish.
        before: What stands published; None before the first time.
    """
    config, crawl = run.workspace.config.gate, run.workspace.config.crawl
    before = _readable(run, before)
    then = _published_moment(run, before)
    churn = churn_between(run.workspace, then, _moment(run, figures)) if then else None
    candidate = gather_candidate(
        then, figures.moment, figures.taxonomy, list_moves(churn) if churn else (),
        started_at=run.started_at if "crawl" in run.stages else None,
        bounds=Bounds.of(crawl.recrawl_after_h, crawl.recrawl_at_most_h),
    )  # fmt: skip
    undone = sum(counts.dropped[FAILED] for counts in run.stages.values())
    candidate = replace(candidate, undone=min(undone, candidate.state.firms))
    shown, more = movements(churn) if churn else ((), 0)
    return Night(
        state=candidate.state,
        gate=judge(before.run_id if before else None, candidate, config),
        before=gather_state(then) if then else None,
        before_run=before.run_id if before else None,
        lists=candidate.lists,
        movements=shown,
        more_movements=more,
        drift=_drift(run, figures, then),
    )


def facts_of(
    run: Run, verdict: Verdict, night: Night | None, published_run: str | None, release: Release | None = None,
    held: PublishedSet | None = None, moment: Moment | None = None,
) -> NightFacts:  # fmt: skip
    """The night as it stands: its stages so far, its sites, its disk; ``held``: an earlier night's set that waits."""
    workspace, classified = run.workspace, run.stages.get("classify")
    matched = run.notes.get("match", {})
    return NightFacts(
        run_id=run.run_id,
        started_at=run.started_at,
        ended_at=datetime.now(UTC),
        verdict=verdict,
        night=night,
        published_run=published_run,
        stages=stage_facts(run.folder),
        outcomes=outcome_counts(moment or workspace.lake),
        classified=classified.rows_out if classified else 0,
        in_a_sector=_in_a_sector(moment or workspace.lake),
        not_recognised=matched.get("not_recognised", 0),
        match_required=workspace.config.match.require,
        release=release,
        disk=disk_use(workspace),
        held_run=held.run_id if held else None,
        held_for=tuple(held.gate["reasons"]) if held else (),
    )


def _in_a_sector(tables: Tables) -> int:
    import pyarrow.compute as pc

    rows = tables.read_arrow("assignments", ["firm_id", "assigned"])
    return int(pc.count_distinct(rows["firm_id"].filter(rows["assigned"])).as_py())


def _readable(run: Run, before: PublishedSet | None) -> PublishedSet | None:
    """The set, or, where the state of the tables that it was made from was lost to a spoilt file, the newest before."""
    lake = run.workspace.lake
    if before is None or not is_gone(lake, complete(before.snapshots), words=True):
        return before
    older = [one for one in sets(run.workspace) if not one.held and one.run_id < before.run_id]
    return next((one for one in reversed(older) if not is_gone(lake, complete(one.snapshots), words=True)), None)


def _published_moment(run: Run, before: PublishedSet | None) -> PastMoment | None:
    if before is None:
        return None
    return moment_of(run.workspace, before.snapshots, before.run_id, before.rests_on["taxonomy"])


def _moment(run: Run, figures: Figures) -> PastMoment:
    """The figures' moment, under the taxonomy that they were made with."""
    held = figures.moment.snapshots
    if held == run.workspace.lake.snapshots():
        return moment_now(run.workspace, run.run_id)
    return moment_of(run.workspace, held, run.run_id, figures.taxonomy.digest)


def _drift(run: Run, figures: Figures, then: Moment | None) -> tuple[DriftFact, ...]:
    from classifier.persistence import load_model
    from pipelines.drift import drift_lines

    if figures.model_id is None:
        return ()
    model = load_model(run.workspace.models_folder / figures.model_id)
    return tuple(DriftFact(**asdict(line)) for line in drift_lines(run.workspace, figures.moment, model, then))
