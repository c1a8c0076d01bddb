"""The night's work: crawl what is due, match sites and firms, classify what changed, roll up, export, report.

Every stage compares what it would write with what stands there, so that a night that was killed is simply run again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labels.taxonomy import Cluster, Sector, load_taxonomy
from pipelines.classifying import run_classify
from pipelines.crawling import outcome_counts, run_crawl
from pipelines.matching import run_match
from pipelines.publishing import run_export, run_report, run_rollup
from pipelines.rollup import ALL, LATEST, METRICS
from pipelines.runs import Run
from pipelines.screen import Screen
from pipelines.training import current_model
from pipelines.workspace import Workspace


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
    """What a person wants to know in the morning."""

    clusters: tuple[ClusterRow, ...]
    firms: int
    with_text: int
    classified: int
    in_a_sector: int
    outcomes: dict[str, int]
    report: Path
    exports: Path
    published: bool
    not_recognised: int = 0
    match_required: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The summary for a program."""
        return asdict(self)

    def sentences(self) -> list[str]:
        """The summary for a person."""
        outcomes = ", ".join(f"{outcome} {count}" for outcome, count in sorted(self.outcomes.items()))
        imported = self.firms - sum(self.outcomes.values())
        changed = "" if self.published else " (as before: nothing to show has changed)"
        return [
            f"{self.firms} firms, {self.with_text} with text, {self.in_a_sector} in at least one sector; "
            f"{self.classified} classified tonight.",
            f"Sites visited: {outcomes or 'none'}.",
            *([f"{imported} firms were not visited: their words were imported."] if imported else []),
            *([self._unrecognised()] if self.not_recognised else []),
            "Counts take the classifier's word; the report has corrected ones beside them where there is evidence.",
            f"Report:  {self.report}{changed}",
            f"Exports: {self.exports}",
        ]

    def _unrecognised(self) -> str:
        sites = f"{self.not_recognised} site{' was' if self.not_recognised == 1 else 's were'}"
        if self.match_required:
            return f"{sites} not recognised as the firm's own; these firms are left out (match.require)."
        return f"{sites} not recognised as the firm's own; their words count all the same (match.require)."


def run_nightly(run: Run, screen: Screen) -> Summary:
    """Run every stage in order.

    Raises:
        UsageError: No contact for the crawler, or no model; raised before anything is done.
    """
    taxonomy = load_taxonomy(run.workspace.taxonomy_file)
    current_model(run.workspace, taxonomy)
    with screen.bar("Crawling sites") as progress:
        run_crawl(run, progress)
    with screen.bar("Comparing sites and firms") as progress:
        run_match(run, progress)
    run_classify(run, screen)
    with screen.bar("Counting and writing"):
        run_rollup(run)
        written = run_export(run)
        report = run_report(run)
    return _summary(run, report, bool(written) or run.stages["report"].rows_out > 0)


def cluster_rows(workspace: Workspace) -> tuple[ClusterRow, ...]:
    """Every cluster's figures for the whole list, as the table ``cells`` has them, in taxonomy order."""
    columns = ["cluster", "area_kind", "metric", "period", "value", "flags"]
    figures: dict[str, dict[str, Any]] = {}
    for row in workspace.lake.read_arrow("cells", columns).to_pylist():
        if row["area_kind"] == ALL and row["metric"] in METRICS and row["period"] == LATEST:
            figures.setdefault(row["cluster"], {"not_trained": "not_trained" in row["flags"]})[row["metric"]] = row[
                "value"
            ]
    taxonomy = load_taxonomy(workspace.taxonomy_file)
    counted: tuple[Sector | Cluster, ...] = (*taxonomy.sectors, *taxonomy.clusters)
    return tuple(ClusterRow(at.key, at.name, **figures[at.key]) for at in counted)


def _summary(run: Run, report: Path, published: bool) -> Summary:
    lake = run.workspace.lake
    assignments = lake.read_arrow("assignments", ["firm_id", "assigned"]).to_pylist()
    return Summary(
        clusters=cluster_rows(run.workspace),
        firms=len(lake.read_arrow("firms", ["firm_id"])),
        with_text=len(set(lake.read_arrow("pages", ["firm_id"])["firm_id"].to_pylist())),
        classified=run.stages["classify"].rows_out,
        in_a_sector=len({row["firm_id"] for row in assignments if row["assigned"]}),
        outcomes=outcome_counts(run),
        report=report,
        exports=run.workspace.exports_folder,
        published=published,
        not_recognised=run.notes["match"]["not_recognised"],
        match_required=run.workspace.config.match.require,
    )
