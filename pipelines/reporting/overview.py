"""Work out what the overview shows of every cluster: one line of figures, each of them a cell as it stands.

A column that no cluster can fill is left out, with a sentence that says why: a column of "not known" hides those that
are known.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.reporting.cell_index import GROWTH, Cell, CellIndex, ClusterCells
from pipelines.reporting.content import Cluster, Report, ReportInput
from pipelines.reporting.sparklines import sparkline
from pipelines.reporting.wording import withholds
from pipelines.rollup import ALL, CORRECTED, FLAGS, METRICS
from pipelines.statistics.catalogue import metric_of
from pipelines.statistics.side_by_side import METRICS as SIDE_METRICS
from pipelines.statistics.side_by_side import SideBySide, side_by_side

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup

FIRMS = METRICS[0]
QUOTIENT = "location_quotient"
GATHERED = "gathered"
SURVIVORS = "survivors_only"
OF_GROWTH = (SURVIVORS, "same_firms", "few_dates", "few_firms")
UNSAID = ("no_value", "suppressed")  # the figure itself says so


@dataclass(frozen=True)
class ChosenArea:
    """The area that the overview compares with the whole list."""

    kind: str
    code: str
    name: str


@dataclass(frozen=True)
class Line:
    """One cluster; figures are None where no cell says anything."""

    key: str
    name: str
    by_code: bool  # it gathers SIC codes alone
    nobody: bool
    figures: Mapping[str, Cell]  # businesses, employees, turnover_gbp, and what is corrected of them
    flags: Mapping[str, tuple[str, ...]]  # of the plain ones, without those that the page says once
    share: Cell | None  # businesses in the chosen area
    quotient: Cell | None
    growth: Cell | None
    growth_flags: tuple[str, ...]
    spark: Markup | str

    @property
    def said(self) -> list[tuple[str, ...]]:
        """Flags that stand at its figures."""
        return [*self.flags.values(), self.growth_flags]


@dataclass(frozen=True)
class LineTier:
    """Lines of one tier."""

    key: str
    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Column:
    """A growth that all lines show, and the years that it is measured between."""

    metric: str
    title: str
    period: str
    flags: tuple[str, ...]  # of every line's


@dataclass(frozen=True)
class Overview:
    """Everything of the first page that is not in :class:`Report`."""

    tiers: tuple[LineTier, ...]
    area: ChosenArea | None
    growth: Column | None
    flags: tuple[str, ...]  # flags of single figures, to be explained below the table
    quotients: bool
    years: tuple[int, int] | None
    side: tuple[SideTier, ...]
    side_titles: tuple[str, ...]
    withheld: bool
    by_code: bool

    @property
    def columns(self) -> int:
        """Columns of the table."""
        area = 0 if self.area is None else 1 + self.quotients
        return 5 + area + (self.growth is not None) + (self.years is not None)


@dataclass(frozen=True)
class SideTier:
    """Rows of the table of proportions: cluster, and the area's share of its total by metric."""

    name: str
    rows: tuple[tuple[str, str, tuple[tuple[float | None, bool], ...]], ...]  # key, name, (share, withheld)


def overview(given: ReportInput, report: Report, index: CellIndex) -> Overview:
    """The overview of a report.

    Args:
        given: Tables.
        report: What was gathered from them.
        index: Their cells.
    """
    area = chosen_area(given, index)
    near = CellIndex(_near(given.cells, area))
    cells = {cluster.sector.key: near.of(cluster.sector.key) for tier in report.tiers for cluster in tier.clusters}
    growth = _growth(cells.values())
    codes_alone = {found.key for found in given.taxonomy.clusters if found.sic and not found.sectors}
    tiers = tuple(
        LineTier(
            tier.key,
            tier.name,
            tuple(
                _line(cluster, cells[cluster.sector.key], area, growth, cluster.sector.key in codes_alone)
                for cluster in tier.clusters
            ),
        )
        for tier in report.tiers
    )
    lines = [line for tier in tiers for line in tier.lines]
    said = {flag for line in lines for flags in line.said for flag in flags} | set(growth.flags if growth else ())
    years = [year for found in cells.values() for year, _ in found.years(FIRMS)]
    side = _side(given, report, area)
    return Overview(
        tiers=tiers,
        area=area,
        growth=growth,
        flags=tuple(flag for flag in FLAGS if flag in said),
        quotients=any(line.quotient for line in lines),
        years=(min(years), max(years)) if any(line.spark for line in lines) else None,
        side=_by_tier(side, report) if side else (),
        side_titles=tuple(line.title for line in side.lines) if side else (),
        withheld=any(cell.withheld for line in lines for cell in line.figures.values())
        or withholds(given.provenance.rules),
        by_code=any(line.by_code for line in lines),
    )


def chosen_area(given: ReportInput, index: CellIndex) -> ChosenArea | None:
    """The area asked for, or else the first of the user's own that holds a firm; None where there is neither."""
    if given.area is not None:
        kind, code = given.area
    elif index.custom_areas:
        kind, code = "custom", index.custom_areas[0]
    else:
        return None
    if not index.of_area(kind, code, (FIRMS,)):
        return None
    name = given.area_names.get(code, code)
    return ChosenArea(kind, code, name if name != code or kind != "custom" else code.replace("_", " ").title())


def _near(cells: pd.DataFrame, area: ChosenArea | None) -> pd.DataFrame:
    """Cells of the whole list and of the area: one in a thousand, so that the others need not become objects."""
    everywhere = cells["area_kind"] == ALL
    if area is None:
        return cells[everywhere]
    return cells[everywhere | (cells["area_kind"] == area.kind) & (cells["area_code"] == area.code)]


def _growth(cells: Collection[ClusterCells]) -> Column | None:
    """The growth that can be said best: of firms, unless those that closed are missing; then of employees."""
    found: dict[tuple[int, str], list[Cell]] = {}
    for of_cluster in cells:
        for place, metric in enumerate(GROWTH[:2]):
            for period, cell in of_cluster.spans(metric):
                if cell.value is not None:
                    found.setdefault((place, period), []).append(cell)
    if not found:
        return None
    place, period = min(found, key=lambda at: (any(SURVIVORS in cell.flags for cell in found[at]), at))
    shared = tuple(flag for flag in OF_GROWTH if all(flag in cell.flags for cell in found[place, period]))
    return Column(GROWTH[place], metric_of(GROWTH[place]).title, period, shared)


def _line(
    cluster: Cluster, cells: ClusterCells, area: ChosenArea | None, growth: Column | None, by_code: bool
) -> Line:  # fmt: skip
    from markupsafe import Markup

    name = cluster.sector.name
    shown = {metric: cells.find(metric) for metric in (*METRICS, *CORRECTED.values())}
    here = (area.kind, area.code) if area else (ALL, ALL)
    years = [(year, cell.value) for year, cell in cells.years(FIRMS)]
    rate = cells.find(growth.metric, period=growth.period) if growth else None
    return Line(
        key=cluster.sector.key,
        name=name,
        by_code=by_code,
        nobody=not cluster.figures[FIRMS].n,
        figures={metric: cell for metric, cell in shown.items() if cell is not None},
        flags={metric: _own(cluster.figures[metric].flags, metric, by_code) for metric in METRICS},
        share=cells.find(FIRMS, *here) if area else None,
        quotient=cells.find(QUOTIENT, *here) if area else None,
        growth=rate,
        growth_flags=tuple(
            flag for flag in OF_GROWTH if growth and rate and flag in rate.flags and flag not in growth.flags
        ),
        spark=Markup(sparkline(f"{name}, businesses by year", years)),  # noqa: S704 - escaped where it is drawn
    )


def _own(flags: Collection[str], metric: str, by_code: bool) -> tuple[str, ...]:
    """Flags that stand at a figure; what holds for the whole line stands at its businesses, or at its name."""
    said = {*UNSAID, *({GATHERED} if by_code or metric != FIRMS else ())}
    return tuple(flag for flag in flags if flag not in said)


def _side(given: ReportInput, report: Report, area: ChosenArea | None) -> SideBySide | None:
    if area is None:
        return None
    chosen = given.side_by_side or tuple(cluster.sector.key for tier in report.tiers for cluster in tier.clusters)
    found = side_by_side(given.cells, chosen, area.kind, area.code, SIDE_METRICS)
    told = tuple(
        line
        for line in found.lines
        if any(part is not None for part in line.shares) or any("suppressed" in said for said in line.flags)
    )
    return replace(found, lines=told) if told else None


def _by_tier(side: SideBySide, report: Report) -> tuple[SideTier, ...]:
    place = {key: at for at, key in enumerate(side.clusters)}
    made = []
    for tier in report.tiers:
        rows = tuple(
            (
                cluster.sector.key,
                cluster.sector.name,
                tuple(
                    (line.shares[place[cluster.sector.key]], "suppressed" in line.flags[place[cluster.sector.key]])
                    for line in side.lines
                ),
            )
            for cluster in tier.clusters
            if cluster.sector.key in place
        )
        if rows:
            made.append(SideTier(tier.name, rows))
    return tuple(made)
