"""The report's table "proportion of the UK total": metrics down, clusters across, one area.

The whole is the firm list: its shares are the UK's where the list is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from pipelines.errors import UsageError
from pipelines.frames import rows
from pipelines.statistics.catalogue import metric_of

if TYPE_CHECKING:
    import pandas as pd

METRICS = (
    "businesses", "employees", "turnover_gbp", "large_turnover_businesses", "high_growth_businesses", "grants_gbp",
    "foreign_owned_businesses",
)  # fmt: skip
LATEST = "latest"


@dataclass(frozen=True)
class Line:
    """One metric: the area's share of each cluster's total, 0 to 1, and what to know of it, by cluster."""

    metric: str
    title: str
    shares: tuple[float | None, ...]
    flags: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class SideBySide:
    """The table; columns in the order asked for."""

    area_kind: str
    area_code: str
    clusters: tuple[str, ...]
    lines: tuple[Line, ...]

    def texts(self) -> list[list[str]]:
        """Rows as they are printed: a heading, then a row per metric, shares in whole per cent."""
        heading = ["Proportion of the UK total", *self.clusters]
        return [heading, *([line.title, *map(_percent, line.shares, line.flags)] for line in self.lines)]


def side_by_side(
    cells: pd.DataFrame,
    clusters: Sequence[str],
    area_kind: str,
    area_code: str,
    metrics: Sequence[str] = METRICS,
    period: str = LATEST,
) -> SideBySide:
    """Shares of an area in the totals of some clusters; a metric of which no cell stands there has no line.

    Args:
        cells: Table ``cells``.
        clusters: Clusters, in the order of the columns.
        area_kind: Kind of the area, as in ``cells``.
        area_code: Its code.
        metrics: Metrics, in the order of the lines; counts and sums.
        period: Period of the figures.

    Raises:
        UsageError: A metric is no count or sum, so that a share of the UK would mean nothing.
        TableError: There is no such metric.
    """
    for metric in metrics:
        if not metric_of(metric).additive:
            raise UsageError(
                f"{metric} does not add up over areas, so that it has no share of the UK; leave it out, or compare the "
                "figures themselves"
            )
    mine = cells[(cells["area_kind"] == area_kind) & (cells["area_code"] == area_code) & (cells["period"] == period)]
    found = {
        (cluster, metric): (share, tuple(flags or ()))
        for cluster, metric, share, flags in rows(mine, ("cluster", "metric", "uk_share", "flags"))
    }
    present = {metric for cluster, metric in found if cluster in clusters}
    lines = []
    for metric in metrics:
        if metric in present:
            shares, flags = zip(*(found.get((cluster, metric), (None, ())) for cluster in clusters), strict=True)
            lines.append(Line(metric, metric_of(metric).title, shares, flags))
    return SideBySide(area_kind, area_code, tuple(clusters), tuple(lines))


def _percent(share: float | None, flags: tuple[str, ...]) -> str:
    if share is None:
        return "withheld" if "suppressed" in flags else "not known"
    whole = (Decimal(repr(float(share))) * 100).quantize(Decimal(1), ROUND_HALF_UP)
    return "under 1 %" if not whole and share > 0 else f"{whole} %"
