"""Gather cells column by column, and make one Arrow table of them: millions of cells never become records.

Names repeat a million times each, so they are kept as numbers until the table is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.schemas import arrow_schema
from pipelines.statistics.figure_records import RANKED, Figure
from pipelines.statistics.flags import names_of
from pipelines.statistics.shares import ranks
from pipelines.tables import CELLS

Floats = NDArray[np.float64]
_TEXTS = ("cluster", "area_kind", "area_code", "metric", "period")
_VALUES = ("value", "low", "high", "coverage", "uk_share", "value_without", "imputed_share", "rank")


class CellColumns:
    """Cells under way."""

    def __init__(self, kinds: Sequence[str], rules: str, boundaries: str) -> None:
        """Args: kinds of area in their order; what every cell says of allocation and counting, and of boundaries."""
        self.kinds = kinds
        self.rules, self.boundaries = rules, boundaries
        self._texts: dict[str, int] = {}
        self._codes: dict[str, NDArray[np.int32]] = {}  # kind: number of each of its codes
        self._numbers: list[tuple[NDArray[np.int32], ...]] = []
        self._values: list[tuple[NDArray[np.float64], ...]] = []
        self._whole: list[tuple[NDArray[np.int64], ...]] = []

    def add(self, cluster: str, kind: str, codes: Sequence[str], figure: Figure, total: float | None) -> None:
        """Add one metric of a cluster in the areas of a kind; ``total``: of the whole list, where it has shares."""
        size = len(figure.area)
        if not size:
            return
        nothing = np.full(size, np.nan)
        share = figure.value / total if figure.additive and total else nothing
        rank = nothing
        if kind in RANKED:
            placed = np.array([codes[area] != "unknown" for area in figure.area], dtype=np.bool_)
            rank = ranks(np.where(placed, figure.value, np.nan))
        names = [self._number(text) for text in (cluster, kind, figure.metric, figure.period)]
        if kind not in self._codes:
            self._codes[kind] = np.array([self._number(code) for code in codes], dtype=np.int32)
        area = self._codes[kind][figure.area]
        columns = [np.full(size, number, dtype=np.int32) for number in names]
        self._numbers.append((columns[0], columns[1], area, columns[2], columns[3]))
        low, high, without, imputed = (
            nothing if found is None else found
            for found in (figure.low, figure.high, figure.without, figure.imputed_share)
        )
        self._values.append((figure.value, low, high, figure.coverage, share, without, imputed, rank))
        self._whole.append((figure.n, figure.flags))

    def _number(self, text: str) -> int:
        return self._texts.setdefault(text, len(self._texts))

    def table(self) -> pa.Table:
        """All cells, columns of ``CELLS`` without ``shard``: clusters as added, areas by kind and code."""
        schema = arrow_schema(CELLS, CELLS.names[1:])
        if not self._numbers:
            return schema.empty_table()
        texts = pa.array(list(self._texts), pa.string())
        alphabetical = np.argsort(np.argsort(np.array(list(self._texts), dtype=object)))
        kind_rank = np.array([self.kinds.index(text) if text in self.kinds else -1 for text in self._texts])

        def column(parts: Sequence[tuple[NDArray[Any], ...]], place: int) -> NDArray[Any]:
            return np.concatenate([part[place] for part in parts])

        cluster, kind, area = (column(self._numbers, place) for place in range(3))
        order = np.lexsort((np.arange(len(area)), alphabetical[area], kind_rank[kind], _as_added(cluster)))
        each, place = np.unique(column(self._whole, 1)[order], return_inverse=True)
        said = pa.array([names_of(int(found)) for found in each], pa.list_(pa.field("element", pa.string(), False)))
        made: dict[str, pa.Array] = {
            name: texts.take(pa.array(column(self._numbers, at)[order])) for at, name in enumerate(_TEXTS)
        }
        for at, name in enumerate(_VALUES):
            made[name] = pa.array(column(self._values, at)[order], from_pandas=True)  # nan becomes null
        made |= {
            "n": pa.array(column(self._whole, 0)[order]), "flags": said.take(pa.array(place)),
            "rank": made["rank"].cast(pa.int64()), "rules": pa.repeat(pa.scalar(self.rules), len(order)),
            "boundaries": pa.repeat(pa.scalar(self.boundaries), len(order)),
        }  # fmt: skip
        return pa.table([made[name] for name in schema.names], schema=schema)


def _as_added(cluster: NDArray[np.int32]) -> NDArray[np.int64]:
    """Clusters in the order in which they were added first."""
    _, first, place = np.unique(cluster, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[place])
