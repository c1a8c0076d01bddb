"""What the report shows, as values: no figure and no list here depends on how a page is laid out.

``in_list`` is always the sum of the five groups that firms fall into, so that no firm is lost between two lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from labels.taxonomy import Sector, Taxonomy
    from pipelines.maps.ground import Ground
    from pipelines.provenance import Provenance
    from pipelines.reporting.quality_content import QualityInput


@dataclass(frozen=True)
class PublicationNote:
    """How these figures came to be published: what the gate said, and why they were released or wait, if so."""

    gate: str
    released_because: str | None
    shortfall: str | None


@dataclass(frozen=True)
class ReportInput:
    """Tables of one moment.

    ``readable``: firm_id of each firm whose words have been classified; ``waiting``: of each whose words have not been,
    as they stand; ``untrained``: sectors the model cannot find; ``area_names``: name of an ONS code.
    """

    taxonomy: Taxonomy
    provenance: Provenance
    firms: pd.DataFrame
    premises: pd.DataFrame
    accounts: pd.DataFrame
    sites: pd.DataFrame
    readable: frozenset[str]
    assignments: pd.DataFrame
    cells: pd.DataFrame
    waiting: frozenset[str] = frozenset()
    untrained: frozenset[str] = frozenset()
    area_names: Mapping[str, str] = field(default_factory=dict)
    title: str = "Sector clusters"
    published_metrics: pd.DataFrame | None = None  # figures that others publish, for the scorecards
    hotspots: pd.DataFrame | None = None
    related: pd.DataFrame | None = None
    distortions: pd.DataFrame | None = None
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # the model out of fold, by sector
    area: tuple[str, str] | None = None  # kind and code of the area that the overview compares; None: the first custom
    side_by_side: tuple[str, ...] = ()  # clusters of the table of proportions; none: all
    quality: QualityInput | None = None
    publication: PublicationNote | None = None
    evaluation_page: bool = False  # evaluation.html stands beside these pages
    night_page: bool = False  # night.html does
    ground: Ground | None = None  # what the maps of the clusters stand on; None: no maps


@dataclass(frozen=True)
class PageLink:
    """A link to a page of the report, from another."""

    file: str
    name: str
    current: bool


@dataclass(frozen=True)
class Figure:
    """One cell; ``flags`` leaves out those that the page says once, for all figures or for the row."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    coverage: float
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Area:
    """One row of a table by area; ``name`` is None for firms whose area is not known."""

    name: str | None
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Firm:
    """One row of a list of firms; links are safe to follow or None."""

    firm_id: str
    name: str
    place: str
    website: str | None
    employees: float | None = None
    turnover_gbp: float | None = None
    probability: float | None = None
    sentence: str | None = None
    page: str | None = None
    note: str = ""


@dataclass(frozen=True)
class FirmList:
    """The first firms of a list of ``total``."""

    total: int
    shown: tuple[Firm, ...]

    @property
    def more(self) -> int:
        """Firms that are not shown."""
        return self.total - len(self.shown)


@dataclass(frozen=True)
class Cluster:
    """One cluster with everything its section shows."""

    sector: Sector
    parents: tuple[str, ...]
    figures: Mapping[str, Figure]
    areas: tuple[Area, ...]
    more_areas: int
    firms: FirmList
    not_trained: bool
    largest: Mapping[str, tuple[Firm, ...]] = field(default_factory=dict)  # by employees, and by turnover_gbp


@dataclass(frozen=True)
class Tier:
    """Clusters of one tier, in taxonomy order; ``member`` is what one of them is called."""

    key: str
    name: str
    member: str
    clusters: tuple[Cluster, ...]


@dataclass(frozen=True)
class Outcome:
    """Firms that could not be read and share an outcome word."""

    word: str
    meaning: str
    firms: FirmList


@dataclass(frozen=True)
class Report:
    """Everything the page shows. ``in_list == gone + in_a_cluster + in_none + waiting + unread``."""

    title: str
    provenance: Provenance
    tiers: tuple[Tier, ...]
    in_list: int
    in_a_cluster: int
    in_none: FirmList
    waiting: FirmList
    unread: int
    outcomes: tuple[Outcome, ...]
    gone: FirmList
    read: int
    area_kind: str
    common_flags: tuple[str, ...]
    flags: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def counted(self) -> int:
        """Firms of the list that count."""
        return self.in_list - self.gone.total

    @property
    def largest(self) -> int:
        """Businesses of the largest cluster; the scale of the chart."""
        return max((cluster.figures["businesses"].n for tier in self.tiers for cluster in tier.clusters), default=0)
