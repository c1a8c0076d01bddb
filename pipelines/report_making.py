"""Gather from the tables of one moment what the report is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipelines.best_accounts import best_accounts
from pipelines.errors import UsageError
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
        area=_area(workspace, figures),
        side_by_side=_side_by_side(workspace, figures),
        measured=measured(workspace, figures.model_id),
        quality=quality_input(workspace, figures),
        publication=_note(facts) if facts else None,
        evaluation_page=evaluation_page,
        night_page=facts is not None,
        ground=Ground.of(workspace.folder),
    )


def _area(workspace: Workspace, figures: Figures) -> tuple[str, str] | None:
    """Kind and code of the area to compare with.

    Raises:
        UsageError: There is no figure of the area that the settings name.
    """
    code = workspace.config.report.area
    if not code:
        return None
    cells = figures.moment.read_arrow("cells", ["area_kind", "area_code"])
    kinds = cells.filter(pc.equal(cells["area_code"], code))["area_kind"].unique().to_pylist()
    if len(kinds) != 1:
        raise UsageError(f"report.area = {code!r}: there are no figures of such an area; expected a code as in cells")
    return kinds[0], code


def _side_by_side(workspace: Workspace, figures: Figures) -> tuple[str, ...]:
    chosen, known = workspace.config.report.side_by_side, figures.taxonomy.counted
    strange = [key for key in chosen if key not in known]
    if strange:
        raise UsageError(f"report.side_by_side: {strange[0]!r} is not in taxonomy.yaml; known: {', '.join(known)}")
    return tuple(chosen)


def _note(facts: NightFacts) -> PublicationNote:
    """What the gate said; a shortfall is printed also where it was small enough."""
    checks = facts.night.gate.checks if facts.night else ()
    reached = [check for check in checks if check.name == "reached" and check.value is not None]
    short = (check.sentence for check in reached if check.value != 1)
    reasons = " ".join(check.sentence for check in checks if not check.passed)
    gate = f"Held back: {reasons}" if reasons else "Passed every check."
    return PublicationNote(gate, facts.release.reason if facts.release else None, next(short, None))


def _area_names() -> dict[str, str]:
    areas = Areas.load()
    return {code: areas.name_of("lad", code) for code in areas.codes("lad")}
