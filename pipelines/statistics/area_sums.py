"""Add a cluster's measures up over the areas of one kind, in one sparse product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from pipelines.statistics.measures import Measures
from pipelines.statistics.sites import Spread


@dataclass(frozen=True)
class AreaSums:
    """Sums of measures over areas; rows are areas, columns measures."""

    kind: str
    codes: tuple[str, ...]
    area: NDArray[np.int64]  # (n_areas,) places in codes of the areas that have a row
    names: dict[str, int]
    sums: NDArray[np.float64]  # (n_areas, n_measures)
    firms: NDArray[np.float64]  # (n_areas, n_measures) firms whose measure is not 0, each counted as one

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.sums[:, self.names[name]]

    def n(self, name: str) -> NDArray[np.int64]:
        """Firms behind a measure, ``(n_areas,)``."""
        return self.firms[:, self.names[name]].astype(np.int64)

    def __contains__(self, name: str) -> bool:
        return name in self.names


@dataclass(frozen=True)
class Members:
    """One cluster's firms spread over the areas of one kind: entries sorted by firm."""

    row: NDArray[np.int64]  # (n_entries,) place among the members
    area: NDArray[np.int32]
    weight: NDArray[np.float64]


def members_over(spread: Spread, firms: NDArray[np.int64]) -> Members:
    """Entries of some firms."""
    return Members(*spread.of(firms))


def area_sums(spread: Spread, members: Members, measures: Measures, everywhere: bool = False) -> AreaSums:
    """Sums of the measures in every area where a member stands; ``everywhere``: in all areas of the kind."""
    present = np.arange(len(spread.codes)) if everywhere else np.unique(members.area).astype(np.int64)
    place = np.zeros(len(spread.codes), dtype=np.int64)
    place[present] = np.arange(len(present))
    shape = (len(present), len(measures.matrix))
    at = place[members.area]
    over = csr_matrix((members.weight, (at, members.row)), shape=shape)
    once = csr_matrix((np.ones(len(at)), (at, members.row)), shape=shape)
    return AreaSums(
        spread.kind, spread.codes, present, measures.place, np.asarray(over @ measures.matrix),
        np.asarray(once @ (measures.matrix != 0).astype(np.float64)),
    )  # fmt: skip
