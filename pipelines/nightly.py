"""The night's work: crawl what is due, match sites and firms, classify what changed, roll up, and publish.

Every stage compares what it would write with what stands there, so that a night that was killed is simply run again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from labels.taxonomy import Cluster, Sector, load_taxonomy
from pipelines.classifying import run_classify
from pipelines.crawling import run_crawl
from pipelines.errors import UsageError
from pipelines.figures import Moment
from pipelines.firm_texts import Tables
from pipelines.looking import facts_of
from pipelines.matching import run_match
from pipelines.moments import run_moment
from pipelines.night.facts import NightFacts
from pipelines.night.facts import Release as Released
from pipelines.night.markdown import as_markdown
from pipelines.night.prometheus import write_metrics
from pipelines.night.wording import tell
from pipelines.publication import current_set, set_of
from pipelines.publishing import Outcome, Release, run_publish, run_rollup
from pipelines.rollup import ALL, LATEST, METRICS
from pipelines.runs import Run
from pipelines.screen import Screen
from pipelines.training import current_model
from pipelines.vacuum import vacuum
from pipelines.workspace import Workspace, write_whole

SUMMARY = "summary.md"  # in the run's folder


@dataclass(frozen=True)
class ClusterRow:
    """One cluster's figures for the whole list; null where nothing is known.

    ``not_trained``: the model cannot find firms of this sector; those counted came through its parts.
    """

    cluster: str
    name: str
    businesses: float | None
    employees: float | None
    turnover_gbp: float | None
    not_trained: bool


@dataclass(frozen=True)
class Summary:
    """What a person wants to know in the morning, and the figures of every cluster."""

    facts: NightFacts
    clusters: tuple[ClusterRow, ...]

    @property
    def held(self) -> bool:
        """Whether the gate held the night's figures back."""
        return self.facts.verdict == "held"

    def as_dict(self) -> dict[str, Any]:
        """The summary for a program."""
        return self.facts.as_dict() | {"clusters": [asdict(row) for row in self.clusters]}


def run_nightly(run: Run, screen: Screen) -> Summary:
    """Run every stage in order.

    Raises:
        UsageError: No contact for the crawler, or no model; raised before anything is done.
    """
    with _told_of_failure(run), run.workspace.engine.working():
        current_model(run.workspace, load_taxonomy(run.workspace.taxonomy_file))
        with screen.bar("Crawling sites") as progress:
            run_crawl(run, progress)
        with screen.bar("Comparing sites and firms") as progress:
            run_match(run, progress)
        run_classify(run, screen)
        with screen.bar("Counting"):
            worked_out = run_rollup(run)
        with screen.bar("Comparing and writing"):
            outcome = run_publish(run, worked_out=worked_out)
        vacuum(run, run.started_at)
        return _told(run, outcome, None)


def run_release(run: Run, run_id: str, reason: str) -> Summary:
    """Publish a night that was held, after somebody looked at it.

    Args:
        run: The run that publishes.
        run_id: The held night, or the start of its id.
        reason: Why it is right all the same; it is kept with what is published.

    Raises:
        UsageError: No such night is held, or no reason is given.
    """
    if not reason.strip():
        raise UsageError("say why it may be published all the same, with --reason; it stands in the report")
    held = set_of(run.workspace, run_id)
    if not held.held:
        raise UsageError(f"run {held.run_id} is not held back: there is nothing to release")
    current = current_set(run.workspace)
    if current and (current.released or {}).get("run_id", current.run_id) > held.run_id:
        raise UsageError(f"run {current.run_id} has been published since: older figures do not take their place")
    release = Release(held, run_moment(run.workspace, held.run_id), reason.strip())
    with _told_of_failure(run):
        return _told(run, run_publish(run, release), release)


def cluster_rows(workspace: Workspace, moment: Moment | None = None) -> tuple[ClusterRow, ...]:
    """Every cluster's figures for the whole list, as the table ``cells`` has them, in taxonomy order.

    Args:
        workspace: The workspace.
        moment: Of when; None: now.
    """
    tables: Tables = moment or workspace.lake
    columns = ["cluster", "area_kind", "metric", "period", "value", "flags"]
    figures: dict[str, dict[str, Any]] = {}
    for row in tables.read_arrow("cells", columns).to_pylist():
        if row["area_kind"] == ALL and row["metric"] in METRICS and row["period"] == LATEST:
            figures.setdefault(row["cluster"], {"not_trained": "not_trained" in row["flags"]})[row["metric"]] = row[
                "value"
            ]
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    counted: tuple[Sector | Cluster, ...] = (*taxonomy.sectors, *taxonomy.clusters)
    nothing: dict[str, Any] = {"not_trained": False, **dict.fromkeys(METRICS)}
    return tuple(ClusterRow(at.key, at.name, **(nothing | figures.get(at.key, {}))) for at in counted)


def _told(run: Run, outcome: Outcome, release: Release | None) -> Summary:
    workspace, current = run.workspace, current_set(run.workspace)
    moment = release.moment if release else None
    released = Released(release.run_id, release.reason) if release else None
    verdict = "released" if release and outcome.verdict == "published" else outcome.verdict
    waiting = outcome.published if outcome.verdict == "held" and outcome.night is None else None
    facts = facts_of(run, verdict, outcome.night, current.run_id if current else None, released, waiting, moment)
    run.notes["verdict"] = verdict
    write_whole(run.folder / SUMMARY, as_markdown(tell(facts)).encode())
    write_metrics(workspace.metrics_folder, facts)
    return Summary(facts, cluster_rows(workspace, moment))


@contextlib.contextmanager
def _told_of_failure(run: Run) -> Iterator[None]:
    """A night that fails says so where it is watched; what it failed at is what is raised."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        with contextlib.suppress(Exception):
            current = current_set(run.workspace)
            ended = datetime.now(UTC)
            published = current.run_id if current else None
            facts = NightFacts(run.run_id, run.started_at, ended, "failed", None, published)
            write_metrics(run.workspace.metrics_folder, facts)
        raise
