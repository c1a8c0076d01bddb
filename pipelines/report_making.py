"""Gather from the tables of one moment what the report is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.best_accounts import best_accounts
from pipelines.errors import UsageError
from pipelines.figures import provenance_of
from pipelines.firm_texts import firms_with_words
from pipelines.geography.areas import Areas
from pipelines.maps.ground import Ground
from pipelines.reporting import ReportInput
from pipelines.reporting.cell_index import HEXAGON, OF_AREAS
from pipelines.reporting.content import PublicationNote
from pipelines.reporting.quality_sources import measured, quality_input
from pipelines.rollup import ALL, CORRECTED, LATEST, METRICS
from pipelines.tables import CELLS

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.figures import Figures, Moment
    from pipelines.night.facts import NightFacts
    from pipelines.workspace import Workspace

FIGURES = (*METRICS, *CORRECTED.values())


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
    moment, area = figures.moment, _area(workspace, figures)
    worded = firms_with_words(moment)
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
        cells=_shown_cells(moment, area),
        untrained=figures.untrained,
        area_names=_area_names(),
        published_metrics=moment.read("published_metrics"),
        hotspots=moment.read("hotspots"),
        related=moment.read("related"),
        distortions=moment.read("distortions"),
        area=area,
        side_by_side=_side_by_side(workspace, figures),
        measured=measured(workspace, figures.model_id),
        quality=quality_input(workspace, figures),
        publication=_note(facts) if facts else None,
        evaluation_page=evaluation_page,
        night_page=facts is not None,
        ground=Ground.of(workspace.folder),
    )


def _shown_cells(moment: Moment, area: tuple[str, str] | None) -> pd.DataFrame:
    """Cells that a page may show: of a large list one in ten. Years of areas and most metrics of hexagons are on none.

    Args:
        moment: The tables.
        area: Kind and code of the area to compare with, of which everything may be shown.
    """
    cells = moment.read_arrow("cells", [name for name in CELLS.names if name not in ("shard", "rules", "boundaries")])
    kind, on_maps = cells["area_kind"], pa.array(FIGURES)
    here = pc.is_in(cells["metric"], value_set=pa.array(OF_AREAS))
    here = pc.and_(here, pc.or_(pc.not_equal(kind, HEXAGON), pc.is_in(cells["metric"], value_set=on_maps)))
    kept = pc.or_(pc.is_in(kind, value_set=pa.array([ALL, "custom"])), pc.and_(here, pc.equal(cells["period"], LATEST)))
    if area:
        kept = pc.or_(kept, pc.and_(pc.equal(kind, area[0]), pc.equal(cells["area_code"], area[1])))
    found: pd.DataFrame = cells.filter(kept).to_pandas()
    return found


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
