"""What a cluster's page shows beside its figures and firms, as values: no figure depends on how the page is laid out.

Figures are the cells themselves, so that every number of a page can be looked up in the table ``cells``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.maps.content import HexMap
    from pipelines.reporting.cell_index import Cell
    from pipelines.reporting.content import Cluster
    from pipelines.reporting.overview import ChosenArea
    from pipelines.sic_spread import SicRow
    from pipelines.statistics.scorecard import ScoreRow


@dataclass(frozen=True)
class Growth:
    """Growth over a span of years, e.g. 2019-2024."""

    metric: str
    period: str
    cell: Cell


@dataclass(frozen=True)
class AreaRow:
    """One area with its figures by metric; ``name`` is None for firms whose area is not known."""

    name: str | None
    figures: Mapping[str, Cell]


@dataclass(frozen=True)
class AreaTable:
    """Areas of one kind, the most special first; ``ranked`` have a location quotient, ``too_few`` too few firms."""

    kind: str
    title: str
    rows: tuple[AreaRow, ...]
    more: int
    ranked: int
    too_few: int

    @property
    def withheld(self) -> bool:
        """Whether no area's businesses may be told."""
        return all(row.figures["businesses"].withheld for row in self.rows)


@dataclass(frozen=True)
class YearRow:
    """One year of a chart, as the table below it says it."""

    year: int
    cell: Cell


@dataclass(frozen=True)
class Chart:
    """Figures by year: the drawing, and its table."""

    key: str
    title: str
    note: str
    drawn: str
    rows: tuple[YearRow, ...]


@dataclass(frozen=True)
class Quotients:
    """Areas ranked by location quotient: the drawing of the first, and how many have too few firms for one."""

    title: str
    drawn: str
    shown: int
    ranked: int
    too_few: int


@dataclass(frozen=True)
class Hotspot:
    """A place where the cluster's firms stand close together."""

    near: str | None
    businesses: float
    employees: float | None
    share: float
    where: str


@dataclass(frozen=True)
class Related:
    """Another cluster that shares firms or places with this one."""

    key: str
    name: str
    shared_firms: int
    share: float
    lift: float | None
    places: float | None


@dataclass(frozen=True)
class ScoreLine:
    """One line of the scorecard: the whole list, the chosen area, and what the figure is to be read against."""

    whole: ScoreRow
    area: ScoreRow | None
    context: str


@dataclass(frozen=True)
class Ecosystem:
    """A part of the scorecard; ``lacking``: metrics that are not known, with where they would come from."""

    name: str
    lines: tuple[ScoreLine, ...]
    lacking: tuple[ScoreRow, ...]


@dataclass(frozen=True)
class ClusterPage:
    """Everything a cluster's page shows. ``by_code``: SIC codes alone bring firms in, and no classifier looked."""

    cluster: Cluster
    by_code: bool
    chosen: ChosenArea | None
    headline: Mapping[str, Cell]
    in_chosen: Mapping[str, Cell]
    quotient: Cell | None  # of the chosen area; None where that holds the whole list
    growth: tuple[Growth, ...]
    provisos: tuple[str, ...]
    sure: tuple[str, ...]
    scorecard: tuple[Ecosystem, ...]
    charts: tuple[Chart, ...]
    quotients: Quotients | None
    areas: AreaTable | None
    other_areas: tuple[AreaTable, ...]
    hotspots: tuple[Hotspot, ...]
    related: tuple[Related, ...]
    more_related: int
    sic: tuple[SicRow, ...]
    more_sic: int
    parents: tuple[Cluster, ...]
    parts: tuple[Cluster, ...]
    flags: tuple[str, ...]
    hexagons: HexMap | None
