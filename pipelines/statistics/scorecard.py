"""The Midlands Engine scorecard: metrics in four ecosystems, computed here, imported, or stated as not available.

The numbers run to 26 (1.1-1.5, 2.1-2.6, 3.1-3.6, 4.1-4.9) although the report speaks of 25 metrics. Only the titles of
those that firm data give are known here; the others are called what the imported file calls them, or by number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pipelines.frames import rows
from pipelines.statistics.catalogue import CORRECTABLE, CORRECTED, METRICS

if TYPE_CHECKING:
    import pandas as pd

How = Literal["computed", "imported"]
Status = Literal["computed", "imported", "not_available"]
FIRMS = "businesses"
WITHHELD = "suppressed"  # the flag of figures that are kept back
ALL = "all"
LATEST = "latest"

ECOSYSTEMS = {"1": "business", "2": "innovation", "3": "talent", "4": "investment"}
_LAST = {"1": 5, "2": 6, "3": 6, "4": 9}

FLAGS: dict[str, str] = {
    "several_sources": "More than one source gives this figure for the year; the first by name is shown.",
    "share_if_additive": (
        "The share of the UK takes for granted that the imported figure is a count or a sum; for an average it means "
        "nothing."
    ),
    "computed_instead": "A figure of another source was imported as well; the one computed here is shown.",
}

# Units whose figures do not add up over areas, so that a share of the UK would be a number without a meaning.
_NOT_ADDITIVE = re.compile(
    r"%|\bper\b|/|\bshare\b|\brate\b|\bratio\b|\bindex\b|\bmedian\b|\bmean\b|\baverage\b|\brank\b"
)

# Counts of high-growth firms that a metric holds for, where the cells have them.
_AMONG_HIGH_GROWTH = {"2.6": "high_growth_grants_businesses", "4.9": "high_growth_foreign_owned_businesses"}


@dataclass(frozen=True)
class Entry:
    """One metric of the scorecard; ``metric`` is its name in ``cells``, '' where it can only be imported."""

    number: str
    ecosystem: str
    title: str
    unit: str
    how: How
    metric: str
    formula: str
    source: str
    among_high_growth: str = ""  # name in cells of the high-growth firms that the metric holds for


def _entry(number: str) -> Entry:
    ecosystem = ECOSYSTEMS[number[0]]
    for metric in METRICS.values():
        if metric.scorecard == number:
            among = _AMONG_HIGH_GROWTH.get(number, "")
            return Entry(
                number, ecosystem, metric.title, metric.unit, "computed", metric.name, metric.formula, metric.source,
                among,
            )  # fmt: skip
    return Entry(number, ecosystem, f"Metric {number}", "", "imported", "", "as published", "")


CATALOGUE: tuple[Entry, ...] = tuple(
    _entry(f"{ecosystem}.{place}") for ecosystem, last in _LAST.items() for place in range(1, last + 1)
)


@dataclass(frozen=True)
class ScoreRow:
    """One line of the scorecard.

    ``uk_share``: of the cluster's figure for the whole list or, of an imported metric, for the area 'all'.
    ``of_high_growth``: share of the cluster's high-growth firms in the area that the metric holds for.
    ``corrected``, ``low`` and ``high`` with it where the plain figure has no interval of its own.
    ``year`` is None for the newest known figures. A value of None is withheld (flag ``suppressed``) or not available.
    """

    number: str
    ecosystem: str
    title: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    uk_share: float | None
    of_high_growth: float | None
    year: int | None
    period: str
    source: str
    status: Status
    flags: tuple[str, ...] = ()
    corrected: float | None = None
    corrected_low: float | None = None
    corrected_high: float | None = None


@dataclass(frozen=True)
class _Cell:
    value: float | None
    low: float | None
    high: float | None
    uk_share: float | None
    period: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class _Published:
    title: str
    area: str
    value: float
    unit: str
    source: str
    year: int


@dataclass(frozen=True)
class _Found:
    cells: dict[str, _Cell] = field(default_factory=dict)
    published: dict[str, list[_Published]] = field(default_factory=dict)


def scorecard(
    cells: pd.DataFrame, published: pd.DataFrame, cluster: str, area_kind: str, area_code: str
) -> list[ScoreRow]:
    """The scorecard of one cluster in one area, a row for every entry of the catalogue, in its order.

    A figure computed here comes before an imported one. Of an imported metric the newest year is taken. One that was
    withheld stays withheld, also where somebody else publishes it.

    Args:
        cells: Table ``cells``.
        published: Table ``published_metrics``; ``metric`` is a number such as 2.1, which a title may follow.
        cluster: Cluster.
        area_kind: Kind of the area, as in ``cells``.
        area_code: Its code; imported metrics are looked up by the code alone.
    """
    found = _Found(_cells(cells, cluster, area_kind, area_code), _published(published, cluster, {area_code, ALL}))
    return [_row(entry, found, area_code) for entry in CATALOGUE]


def _row(entry: Entry, found: _Found, area_code: str) -> ScoreRow:
    cell = found.cells.get(entry.metric)
    imported = found.published.get(entry.number, [])
    here = [row for row in imported if row.area == area_code]
    if cell is not None and (cell.value is not None or WITHHELD in cell.flags):
        return _computed(entry, cell, found.cells, bool(here))
    whole = found.cells.get(FIRMS)
    if here and not (entry.how == "computed" and whole is not None and WITHHELD in whole.flags):
        return _imported(entry, here, imported)
    return ScoreRow(
        entry.number, entry.ecosystem, entry.title, None, entry.unit, None, None, None, None, None, "", entry.source,
        "not_available", cell.flags if cell else (),
    )  # fmt: skip


def _computed(entry: Entry, cell: _Cell, cells: dict[str, _Cell], also: bool) -> ScoreRow:
    flags = cell.flags + (("computed_instead",) if also else ())
    end = re.search(r"\d{4}$", cell.period)
    beside = cells.get(entry.metric + CORRECTED) if entry.metric in CORRECTABLE else None
    return ScoreRow(
        entry.number, entry.ecosystem, entry.title, cell.value, entry.unit, cell.low, cell.high, cell.uk_share,
        _of_high_growth(entry, cells), int(end[0]) if end else None, cell.period, entry.source, "computed", flags,
        *((beside.value, beside.low, beside.high) if beside else ()),
    )  # fmt: skip


def _of_high_growth(entry: Entry, cells: dict[str, _Cell]) -> float | None:
    part, whole = cells.get(entry.among_high_growth), cells.get("high_growth_businesses")
    if part is None or whole is None or part.value is None or not whole.value:
        return None
    return part.value / whole.value


def _imported(entry: Entry, here: list[_Published], imported: list[_Published]) -> ScoreRow:
    newest = max(row.year for row in here)
    of_year = sorted((row for row in here if row.year == newest), key=lambda row: row.source)
    row = of_year[0]
    flags: tuple[str, ...] = ("several_sources",) if len(of_year) > 1 else ()
    share = _share_of_all(row, imported)
    if share is not None:
        flags += ("share_if_additive",)
    title = row.title or (entry.title if entry.how == "computed" else f"{entry.title} ({row.unit})")
    return ScoreRow(
        entry.number, entry.ecosystem, title, row.value, row.unit, None, None, share, None, row.year, str(row.year),
        row.source, "imported", flags,
    )  # fmt: skip


def _share_of_all(row: _Published, imported: list[_Published]) -> float | None:
    if _NOT_ADDITIVE.search(row.unit.casefold()):
        return None
    for whole in imported:
        same = (whole.unit, whole.source, whole.year, whole.title) == (row.unit, row.source, row.year, row.title)
        if whole.area == ALL and same and 0 <= row.value <= whole.value and whole.value > 0:
            return row.value / whole.value
    return None


def _cells(cells: pd.DataFrame, cluster: str, area_kind: str, area_code: str) -> dict[str, _Cell]:
    mine = cells[(cells["cluster"] == cluster) & (cells["area_kind"] == area_kind) & (cells["area_code"] == area_code)]
    newest: dict[str, _Cell] = {}
    for metric, value, low, high, share, period, flags in rows(
        mine, ("metric", "value", "low", "high", "uk_share", "period", "flags")
    ):
        cell = _Cell(value, low, high, share, period, tuple(flags or ()))
        if metric not in newest or _recency(period) > _recency(newest[metric].period):
            newest[metric] = cell
    return newest


def _recency(period: str) -> tuple[bool, int, int]:
    """``latest`` first, then the latest end; of one end the longest span."""
    years = [int(year) for year in re.findall(r"\d{4}", period)] or [0]
    return period == LATEST, years[-1], -years[0]


def _published(published: pd.DataFrame, cluster: str, areas: set[str]) -> dict[str, list[_Published]]:
    mine: Any = published[(published["cluster"] == cluster) & published["area"].isin(sorted(areas))]
    found: dict[str, list[_Published]] = {}
    for metric, area, value, unit, source, year in rows(mine, ("metric", "area", "value", "unit", "source", "year")):
        named = re.fullmatch(r"\s*(\d\.\d)(?:[\s:.\-]+(.*\S))?\s*", metric)
        if named and value is not None:
            row = _Published(named[2] or "", area, float(value), unit or "", source or "", int(year))
            found.setdefault(named[1], []).append(row)
    return found
