"""Gather from the tables of one moment what the report is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.best_accounts import best_accounts
from pipelines.figures import provenance_of
from pipelines.geography.areas import Areas
from pipelines.maps.ground import Ground
from pipelines.reporting import ReportInput
from pipelines.reporting.content import PublicationNote
from pipelines.reporting.quality_sources import measured, quality_input

if TYPE_CHECKING:
    from pipelines.figures import Figures
    from pipelines.night.facts import NightFacts
    from pipelines.workspace import Workspace


def report_input(
    workspace: Workspace, figures: Figures, facts: NightFacts | None = None, evaluation_page: bool = False
) -> ReportInput:
    """What the report shows of some figures.

    Args:
        workspace: Whose settings hold.
        figures: As worked out, or as of a day.
        facts: The night that publishes them, whose page stands beside the others; None when a reader asks.
        evaluation_page: Whether the evaluation's page stands beside them.
    """
    moment = figures.moment
    worded = frozenset(moment.read_arrow("pages", ["firm_id"])["firm_id"].to_pylist())
    return ReportInput(
        taxonomy=figures.taxonomy,
        provenance=provenance_of(figures, facts.run_id if facts else None),
        firms=moment.read("firms"),
        premises=moment.read("premises"),
        accounts=best_accounts(moment.read_arrow("accounts"), workspace.config.rollup.amount_sources),
        sites=moment.read("sites"),
        readable=figures.classified,
        waiting=worded - figures.classified,
        assignments=moment.read("assignments"),
        cells=moment.read("cells"),
        untrained=figures.untrained,
        area_names=_area_names(),
        published_metrics=moment.read("published_metrics"),
        hotspots=moment.read("hotspots"),
        related=moment.read("related"),
        distortions=moment.read("distortions"),
        measured=measured(workspace, figures.model_id),
        quality=quality_input(workspace, figures),
        publication=_note(facts) if facts else None,
        evaluation_page=evaluation_page,
        night_page=facts is not None,
        ground=Ground.of(workspace.folder),
    )


def _note(facts: NightFacts) -> PublicationNote:
    """What the gate said; a shortfall is printed also where it was small enough."""
    checks = facts.night.gate.checks if facts.night else ()
    reached = next((check.sentence for check in checks if check.name == "reached"), None)
    reasons = " ".join(check.sentence for check in checks if not check.passed)
    gate = f"Held back: {reasons}" if reasons else f"Passed: {len(checks)} checks."
    return PublicationNote(gate, facts.release.reason if facts.release else None, reached)


def _area_names() -> dict[str, str]:
    areas = Areas.load()
    return {code: areas.name_of("lad", code) for code in areas.codes("lad")}
