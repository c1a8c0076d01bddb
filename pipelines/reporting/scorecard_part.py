"""The scorecard of a cluster's page: what is known in four ecosystems, what is not, and what to read a figure against.

A rank is among clusters of the same tier, over the whole list: a super cluster is larger than its parts by definition.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from pipelines.reporting.cell_index import Cell, ClusterCells
from pipelines.reporting.cluster_content import Ecosystem, ScoreLine
from pipelines.reporting.cluster_words import ECOSYSTEM_NAMES, place_among
from pipelines.reporting.overview import ChosenArea
from pipelines.rollup import ALL
from pipelines.statistics.scorecard import CATALOGUE, ECOSYSTEMS, ScoreRow, scorecard

if TYPE_CHECKING:
    import pandas as pd

RANKED = tuple(entry.metric for entry in CATALOGUE if entry.how == "computed")
_METRIC = {entry.number: entry.metric for entry in CATALOGUE}


def ecosystems(
    cells: ClusterCells,
    published: pd.DataFrame,
    cluster: str,
    chosen: ChosenArea | None,
    everywhere: Mapping[tuple[str, str], Cell],
    peers: Collection[str],
) -> tuple[Ecosystem, ...]:
    """The scorecard in its four parts.

    Args:
        cells: The cluster's.
        published: Table ``published_metrics``.
        cluster: Key of the cluster.
        chosen: Area to set beside the whole list; None: there is none.
        everywhere: Figures of all clusters for the whole list, by cluster and metric.
        peers: Keys of the clusters of its tier, its own among them.
    """
    whole = scorecard(cells.on_the_ground, published, cluster, ALL, ALL)
    area = scorecard(cells.on_the_ground, published, cluster, chosen.kind, chosen.code) if chosen else [None] * 99
    lines: dict[str, list[ScoreLine]] = {key: [] for key in ECOSYSTEMS.values()}
    lacking: dict[str, list[ScoreRow]] = {key: [] for key in ECOSYSTEMS.values()}
    for row, here in zip(whole, area, strict=False):
        known = row.status != "not_available" or (here is not None and here.status != "not_available")
        if known:
            context = _rank(_METRIC[row.number], cluster, everywhere, peers) if row.status == "computed" else ""
            lines[row.ecosystem].append(ScoreLine(row, here, context))
        else:
            lacking[row.ecosystem].append(row)
    return tuple(
        Ecosystem(name, tuple(lines[key]), tuple(lacking[key])) for key, name in ECOSYSTEM_NAMES.items()
    )  # fmt: skip


def _rank(
    metric: str, cluster: str, everywhere: Mapping[tuple[str, str], Cell], peers: Collection[str]
) -> str:  # fmt: skip
    """The cluster's place among those of its tier, the largest first; clusters of one value share a place."""
    mine = everywhere.get((cluster, metric))
    if mine is None or mine.value is None:
        return ""
    cells = (everywhere.get((peer, metric)) for peer in peers)
    values = [cell.value for cell in cells if cell is not None and cell.value is not None]
    if len(set(values)) < 2:  # alone, or all alike
        return ""
    return place_among(1 + sum(value > mine.value for value in values), len(values))
