"""Make one list of a workspace, restricted and as of a day if so asked, and hand it over as a file.

The night, the command and the report all come here, so that a list says the same whoever asked for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import export
from pipelines.best_accounts import best_accounts
from pipelines.export_files import MadeList, Written, check_format, write_list
from pipelines.exporting.facts import Beside
from pipelines.exporting.filters import Filters, check_areas, filtered, firms_inside, keeper
from pipelines.exporting.long_lists import in_short
from pipelines.figures import Figures, Moment, provenance_of, publishable
from pipelines.frames import as_frame, rows
from pipelines.publication import refuse_within
from pipelines.sources.precedence import settle
from pipelines.tables import CELLS
from pipelines.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_EVERYTHING = Filters()


@dataclass(frozen=True)
class Wanted:
    """What a user asks for."""

    name: str
    file_format: str
    path: Path
    filters: Filters = field(default_factory=Filters)
    as_of: str | None = None  # a day, or a run
    bom: bool = False


def export_list(workspace: Workspace, wanted: Wanted) -> Written:
    """Write one export to a file of the user's choice, beside a night if need be.

    Raises:
        UsageError: An export, format or filter that is not known, or the figures cannot be published as they stand;
            the message says what to run first.
    """
    check_format(wanted.name, wanted.file_format, wanted.bom)
    refuse_within(workspace, wanted.path)
    if wanted.as_of is None:
        figures: Figures = publishable(workspace, Moment.now(workspace.lake))
    else:
        from pipelines.moments import figures_as_of, moment_as_of, refuse_other_rules

        figures = figures_as_of(workspace, moment_as_of(workspace, wanted.as_of))
        if wanted.name != "cells":
            refuse_other_rules(workspace, figures)
    sheets = wanted.file_format == "xlsx"
    made = made_list(workspace, figures, wanted.name, wanted.filters, sheets)
    return write_list(made, wanted.path, wanted.file_format, provenance_of(figures, None), wanted.bom)


def make_list(workspace: Workspace, figures: Figures, name: str, filters: Filters = _EVERYTHING) -> pd.DataFrame:
    """Rows of an export. Raises as :func:`made_list`."""
    return as_frame(made_list(workspace, figures, name, filters).frame)


def made_list(
    workspace: Workspace, figures: Figures, name: str, filters: Filters = _EVERYTHING, sheets: bool = False
) -> MadeList:
    """Rows of an export, and what the file has to say of them.

    Args:
        workspace: Whose settings say how figures take addresses and accounts.
        figures: Of one moment.
        name: The export.
        filters: What to restrict it to.
        sheets: With the evidence that a workbook has on a sheet for each cluster.

    Raises:
        UsageError: A filter names what is not there, or what this export does not have.
    """
    filters.check(name, figures.taxonomy)
    moment, config = figures.moment, workspace.config
    firms = moment.read("firms")
    whole, since = _whole(workspace, figures, name, firms, filters)
    frame, inside = whole, None
    if filters:
        whole = as_frame(whole)
        if filters.areas and name == "cells":
            check_areas(filters.areas, set(whole["area_code"]), config.areas.custom)
        elif filters.areas:
            by_office = config.rollup.allocation == "registered"
            inside = firms_inside(filters.areas, moment.read("premises"), config.areas.custom, by_office)
        frame = filtered(whole, keeper(name, filters, figures.taxonomy, inside), since)
    evidence = None
    if sheets and name == "firms":
        evidence, _ = _whole(workspace, figures, "evidence", firms)
        evidence = evidence[~evidence["near_miss"].astype(bool) & evidence["assigned"].astype(bool)]
        if filters:
            evidence = filtered(evidence, keeper("evidence", filters, figures.taxonomy, inside))
    coverage = {"firms": len(firms), "classified": len(set(figures.classified) & set(firms["firm_id"]))}
    return MadeList(name, frame, filters, len(whole) - len(frame), coverage, figures.taxonomy, evidence)


def _whole(
    workspace: Workspace, figures: Figures, name: str, firms: pd.DataFrame, filters: Filters = _EVERYTHING
) -> tuple[pd.DataFrame | pa.Table, Mapping[str, Sequence[Any]] | None]:
    """All rows of an export, and columns that filters look at and the export does not have."""
    read, taxonomy = figures.moment.read, figures.taxonomy
    if name == "cells":
        moment = figures.moment
        parts = (moment.read_arrow("cells", CELLS.names[1:], [shard]) for shard in range(moment.shards))
        return export.cells_export(taxonomy, in_short(parts)), None
    assignments = read("assignments")
    if name == "evidence":
        return export.evidence_export(taxonomy, firms, assignments, read("near_misses")), None
    sites = read("sites")
    if name == "scores":
        made = export.scores_export(
            taxonomy, firms, sites, figures.moment.read_arrow("scores"), figures.moment.read_arrow("assignments")
        )
        if not filters:
            return made, None
        entered = {(row[0], row[1]): row[2] for row in rows(assignments, ("firm_id", "sector", "since"))}
        return made, {"since": [entered.get(pair) for pair in rows(made, ("firm_id", "sector"))]}
    accounts, sources = figures.moment.read_arrow("accounts"), workspace.config.rollup.amount_sources
    beside = Beside(
        settle(accounts, sources), read("near_misses"), read("matches"), read("distortions"), figures.classified
    )
    given = (read("premises"), best_accounts(accounts, sources), sites, assignments)
    return export.firms_export(taxonomy, firms, *given, beside), None
