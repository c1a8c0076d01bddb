"""Find the cells of one cluster without going through those of all the others.

A list of 100,000 firms has a million cells, most of them hexagons: they are told apart by cluster once, and only those
that a page shows become objects, a cluster at a time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pipelines.frames import rows
from pipelines.rollup import ALL, CORRECTED, LATEST, METRICS

if TYPE_CHECKING:
    import pandas as pd

    Frame = pd.DataFrame

HEXAGON = "h3"
SUPPRESSED = "suppressed"
GROWTH = ("businesses_growth", "employees_growth", "turnover_gbp_growth")
OF_AREAS = (*METRICS, *CORRECTED.values(), "location_quotient", GROWTH[0])
"""Metrics that a row of a table of areas may show."""
_COLUMNS = (
    "area_kind", "area_code", "metric", "period", "value", "low", "high", "n", "coverage", "flags", "uk_share",
    "value_without",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One figure as it stands in the table ``cells``; ``share`` is that of the whole list's figure, 0 to 1."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    coverage: float
    flags: tuple[str, ...]
    share: float | None
    without: float | None

    @property
    def withheld(self) -> bool:
        """Kept back, so that nobody can be told by it."""
        return SUPPRESSED in self.flags


class ClusterCells:
    """Cells of one cluster."""

    def __init__(self, frame: Frame) -> None:
        """Args: frame: rows of the table ``cells`` of one cluster."""
        self.frame = frame

    @cached_property
    def on_the_ground(self) -> Frame:
        """All rows but those of hexagons."""
        return self.frame[self.frame["area_kind"] != HEXAGON]

    @cached_property
    def hexagons(self) -> Frame:
        """Rows of hexagons."""
        return self.frame[self.frame["area_kind"] == HEXAGON]

    @cached_property
    def _cells(self) -> dict[tuple[str, str, str, str], Cell]:
        frame = self.on_the_ground
        shown = (frame["area_kind"] == ALL) | frame["metric"].isin(OF_AREAS) & (frame["period"] == LATEST)
        return {row[:4]: _cell(row[4:]) for row in rows(_whole(frame[shown]), _COLUMNS)}

    @cached_property
    def _codes(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for kind, code, metric, period in self._cells:
            if metric == METRICS[0] and period == LATEST:
                found.setdefault(kind, []).append(code)
        return found

    def find(self, metric: str, kind: str = ALL, code: str = ALL, period: str = LATEST) -> Cell | None:
        """The figure of a metric; of areas only the newest ones of ``OF_AREAS`` are kept."""
        return self._cells.get((kind, code, metric, period))

    def codes(self, kind: str) -> list[str]:
        """Areas of a kind for which businesses are given, ``unknown`` among them."""
        return self._codes.get(kind, [])

    def spans(self, metric: str, kind: str = ALL, code: str = ALL) -> list[tuple[str, Cell]]:
        """Figures of a metric by period, without the newest known ones, in the order of the periods."""
        found = [
            (period, cell)
            for (of_kind, of_code, name, period), cell in self._cells.items()
            if (of_kind, of_code, name) == (kind, code, metric) and period != LATEST
        ]
        return sorted(found, key=lambda pair: pair[0])

    def years(self, metric: str) -> list[tuple[int, Cell]]:
        """Figures of the whole list by year."""
        return [(int(period), cell) for period, cell in self.spans(metric) if period.isdecimal()]


class CellIndex:
    """The table ``cells``, told apart by cluster; a cluster's cells become objects when it is asked for."""

    def __init__(self, cells: Frame) -> None:
        """Args: cells: the table, or what a report shows of it."""
        self._cells = cells
        self._rows = cells.groupby("cluster", sort=False).indices

    def of(self, cluster: str) -> ClusterCells:
        """Cells of one cluster; none of one that is not in the table."""
        return ClusterCells(self._cells.iloc[self._rows.get(cluster, [])])

    def of_area(self, kind: str, code: str, metrics: Collection[str]) -> dict[tuple[str, str], Cell]:
        """Newest figures of all clusters in one area, and growth up to now, by cluster and metric."""
        frame = self._cells
        kept = frame[(frame["area_kind"] == kind) & (frame["area_code"] == code)]
        now = (kept["period"] == LATEST) | kept["period"].str.contains("-", regex=False)
        found = rows(_whole(kept[now & kept["metric"].isin(sorted(metrics))]), ("cluster", *_COLUMNS))
        return {(cluster, row[2]): _cell(row[4:]) for cluster, *row in found}

    @cached_property
    def custom_areas(self) -> list[str]:
        """Areas of the user's own, in alphabetical order."""
        frame = self._cells
        codes = frame.loc[frame["area_kind"] == "custom", "area_code"].unique().tolist()
        return sorted(code for code in codes if code != "unknown")


def _whole(frame: Frame) -> Frame:
    """The frame with the columns that tables of earlier releases lack."""
    lacking = [name for name in ("uk_share", "value_without") if name not in frame.columns]
    return frame.assign(**dict.fromkeys(lacking)) if lacking else frame


def _cell(row: Any) -> Cell:
    value, low, high, n, coverage, flags, share, without = row
    return Cell(value, low, high, int(n), float(coverage), tuple(flags or ()), share, without)
