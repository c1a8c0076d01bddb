"""Hold the tables of a report as the pages of clusters need them: told apart by cluster, each when it is first wanted.

What is left out of a page costs nothing: without SIC codes, distortions or published figures nothing is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from pipelines.firm_facts import left_out, sectors_of, sic_codes
from pipelines.frames import rows
from pipelines.geography.areas import shipped
from pipelines.reporting.cell_index import Cell, CellIndex
from pipelines.reporting.cluster_words import area_name
from pipelines.reporting.overview import ChosenArea, chosen_area
from pipelines.reporting.scorecard_part import RANKED
from pipelines.rollup import ALL
from pipelines.sic_spread import SicRow, spread

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.reporting.content import Report, ReportInput

_METRIC_COLUMNS = ("metric", "cluster", "area", "value", "unit", "source", "year")


class ClusterSource:
    """The tables of a report, told apart by cluster as they are needed."""

    def __init__(self, given: ReportInput, report: Report) -> None:
        """Args: given: tables of one moment; report: what was gathered from them."""
        self.given, self.report = given, report
        self.index = CellIndex(given.cells)
        self.clusters = {cluster.sector.key: cluster for tier in report.tiers for cluster in tier.clusters}
        self.gathered = {cluster.key: cluster for cluster in given.taxonomy.clusters}

    @cached_property
    def chosen(self) -> ChosenArea | None:
        """The area that figures of the whole list are set beside, as in the overview."""
        return chosen_area(self.given, self.index)

    @cached_property
    def everywhere(self) -> Mapping[tuple[str, str], Cell]:
        """Figures of the scorecard of all clusters for the whole list, by cluster and metric."""
        return self.index.of_area(ALL, ALL, RANKED)

    @cached_property
    def published(self) -> pd.DataFrame:
        """Figures that others publish."""
        import pandas as pd

        found = self.given.published_metrics
        return pd.DataFrame(columns=list(_METRIC_COLUMNS)) if found is None else found

    @cached_property
    def sic(self) -> Mapping[str, list[SicRow]]:
        """How the firms of each cluster spread over SIC codes, the commonest first; empty without codes."""
        firms = self.given.firms
        if "sic_codes" not in firms.columns:
            return {}
        gone = left_out(firms)
        codes = {firm_id: found for firm_id, found in sic_codes(firms).items() if firm_id not in gone}
        if not any(codes.values()):
            return {}
        found: dict[str, list[SicRow]] = {}
        for row in spread(self.given.taxonomy, codes, sectors_of(self.given.assignments)):
            found.setdefault(row.sector, []).append(row)
        return found

    @cached_property
    def distortions(self) -> Mapping[str, list[tuple[str, list[str], float, str]]]:
        """Kind, firms, share and sentence of what was found, by cluster, the largest share first."""
        found: dict[str, list[tuple[str, list[str], float, str]]] = {}
        if self.given.distortions is not None:
            columns = ("cluster", "kind", "firm_ids", "share", "sentence")
            for cluster, kind, firms, share, sentence in rows(self.given.distortions, columns):
                found.setdefault(cluster, []).append((kind, list(firms or ()), share or 0.0, sentence))
        for told in found.values():
            told.sort(key=lambda row: (-row[2], row[3]))
        return found

    def name(self, kind: str, code: str) -> str:
        """An area as the page names it."""
        if kind == "custom":
            return area_name(code)
        return self.given.area_names.get(code) or shipped().name_of(kind, code)
