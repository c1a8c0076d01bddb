"""One figure of a cluster in several areas, and what a cluster's figures are read against: records of the roll-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.statistics.area_sums import AreaSums

LATEST = "latest"
RANKED = frozenset({"region"})
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """One metric of one period in several areas; arrays are ``(n_areas,)``, nan: no value."""

    metric: str
    period: str
    area: NDArray[np.int64]  # places in the kind's codes
    value: Floats
    n: NDArray[np.int64]
    coverage: Floats
    flags: NDArray[np.int64]
    low: Floats | None = None
    high: Floats | None = None
    imputed_share: Floats | None = None
    additive: bool = True  # a count or a sum: it has a share of the whole
    without: Floats | None = None  # the figure without what distorts it; nan where that is nothing


@dataclass(frozen=True)
class Around:
    """What a cluster's figures in the areas of one kind are read against; arrays are ``(n_areas,)``."""

    coverage: Floats  # share of the area's firms that could be found
    nought: NDArray[np.bool_]  # to have found nobody means that there is nobody
    base: AreaSums  # firms that could be found, over the same areas
    whole_base: AreaSums  # the same over the whole list: one row
    whole: AreaSums  # the cluster over the whole list: one row
    corrected: Mapping[str, tuple[Floats, Floats, Floats]]  # value, low, high of businesses and of amounts
    flags: int  # of every plain figure of the cluster
    base_year: int | None
    newest_year: int | None
    owners: Mapping[str, int]  # country code in lower case, to the number in its measure's name
    dissolved_known: bool  # dissolved firms are in the list
    quotient_firms: int


def kept(figure: Figure, keep: NDArray[np.bool_]) -> Figure:
    """The areas of a figure for which something can be said."""
    if keep.all():
        return figure

    def of(values: Floats | None) -> Floats | None:
        return None if values is None else values[keep]

    return Figure(
        figure.metric, figure.period, figure.area[keep], figure.value[keep], figure.n[keep], figure.coverage[keep],
        figure.flags[keep], of(figure.low), of(figure.high), of(figure.imputed_share), figure.additive,
        of(figure.without),
    )  # fmt: skip
