"""Estimate missing employees or turnover from like firms, so that sums do not read missing as nought.

It is right on average where, among firms of one sector and size, those that report are like those that do not. That
does not hold for turnover: small companies need not file it, and those that do are the more successful ones, so
estimates for small firms without employees on file are too high. Share imputed and standard error stand with every sum
for that reason; neither measures this bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]

MIN_KNOWN = 10  # firms with the figure, for a mean of them to stand for others; below, the next wider circle of firms
EMPLOYEE_BANDS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 5000.0)
"""Lower ends of the size bands after the first: those of UK Business (ONS), and two more, since its last has no end."""
TURNOVER_BANDS_GBP = (50e3, 100e3, 250e3, 500e3, 1e6, 2e6, 5e6, 10e6, 50e6, 100e6, 500e6)
"""The same for turnover: those of UK Business (ONS) up to 50 million, and two more."""

LEVELS = ("known", "sector_and_size", "size", "sector", "all", "nothing")
"""What a value rests on, by its number in ``Imputed.level``: reported; mean of the firms of sector and size, of the
size in all sectors, of the sector in all sizes, of all; or no firm at all has the figure. Size comes before sector:
firms of one size differ between sectors by single factors, those of one sector between sizes by thousands."""


@dataclass(frozen=True)
class Imputed:
    """Values of members with the gaps filled, ``(n_pairs,)`` in the order given."""

    values: Floats
    """Reported where known, else estimated; nan where no firm at all has the figure."""
    level: NDArray[np.int8]
    """Place in ``LEVELS``."""
    share: Floats
    """Share of each cluster's sum that was estimated, 0 to 1, ``(n_clusters,)``; nan where the sum is nought."""
    standard_error: Floats
    """Of each cluster's sum, from the spread within cells alone, ``(n_clusters,)``; nan where a spread is not known."""

    @property
    def estimated(self) -> NDArray[np.bool_]:
        """Values that were not reported."""
        return self.level > 0


def size_bands(values: Floats, measure: Literal["employees", "turnover_gbp"], otherwise: Ints | None = None) -> Ints:
    """Band of each firm's size, ``(n_firms,)``: from the other figure where known, else from what else is known.

    Args:
        values: The other figure, by which to band: employees to fill turnover, turnover to fill employees; nan: not
            known.
        measure: Which one it is.
        otherwise: Codes, ``(n_firms,)``, for firms without it, e.g. by kind of accounts and age; negative: none known.
    """
    edges = EMPLOYEE_BANDS if measure == "employees" else TURNOVER_BANDS_GBP
    band = np.searchsorted(np.array(edges), values, side="right").astype(np.int64)
    unknown = np.full(len(values), -1) if otherwise is None else np.asarray(otherwise, dtype=np.int64)
    return np.where(np.isfinite(values), band, np.where(unknown < 0, -1, unknown + len(edges) + 1))


def impute(values: Floats, known: NDArray[np.bool_], band: Ints, starts: Ints, firm: Ints) -> Imputed:
    """Fill the gaps of every cluster's members with means of like firms.

    Plain means, since sums are wanted: with the largest value of each cell drawn in (winsorised), totals of made firms
    came no closer (root mean square 2.3 % against 2.3 %, 5.6 against 5.6 with wilder ones) and fell short by 0.6 to
    2.4 %.
    Figures that are plainly wrong are better not learned from: leave them out of ``known``.

    Args:
        values: Figure of every firm of the list, not negative, ``(n_firms,)``.
        known: Where it was reported, and is to be learned from, ``(n_firms,)``.
        band: Size band of every firm, as of ``size_bands``; negative: not known, which is a band of its own.
        starts: First pair of each cluster, ``(n_clusters + 1,)``.
        firm: Firm of each pair, ``(n_pairs,)``.
    """
    n_clusters, n_bands = len(starts) - 1, int(band.max(initial=-1)) + 2
    cluster = np.repeat(np.arange(n_clusters), np.diff(starts))
    mine, reported = values[firm], known[firm] & np.isfinite(values[firm])
    filled, level = np.where(reported, mine, np.nan), np.where(reported, 0, len(LEVELS) - 1).astype(np.int8)
    of_pair, of_firm = band[firm] + 1, band + 1
    everyone = known & np.isfinite(values)
    circles = (
        (
            _Cells(mine[reported], (cluster * n_bands + of_pair)[reported], n_clusters * n_bands),
            cluster * n_bands + of_pair,
        ),
        (_Cells(values[everyone], of_firm[everyone], n_bands), of_pair),
        (_Cells(mine[reported], cluster[reported], n_clusters), cluster),
        (
            _Cells(values[everyone], np.zeros(int(everyone.sum()), dtype=np.int64), 1),
            np.zeros(len(firm), dtype=np.int64),
        ),
    )
    variance = np.zeros(n_clusters)
    for number, (cells, cell) in enumerate(circles, start=1):
        enough = cells.n >= MIN_KNOWN
        fill = np.flatnonzero((level == len(LEVELS) - 1) & enough[cell])
        filled[fill], level[fill] = cells.mean[cell[fill]], number
        variance += cells.variance_of_sums(cell[fill], cluster[fill], n_clusters)
    total = np.bincount(cluster, weights=np.nan_to_num(filled), minlength=n_clusters)
    guessed = np.bincount(cluster, weights=np.where(level > 0, np.nan_to_num(filled), 0.0), minlength=n_clusters)
    share = np.divide(guessed, total, out=np.full(n_clusters, np.nan), where=total > 0)
    return Imputed(filled, level, share, np.sqrt(variance))


class _Cells:
    """Mean and variance of the values in each cell, ``(n_cells,)``."""

    def __init__(self, values: Floats, cell: Ints, n_cells: int) -> None:
        self.n = np.bincount(cell, minlength=n_cells)
        sums = np.bincount(cell, weights=values, minlength=n_cells)
        self.mean = np.divide(sums, self.n, out=np.full(n_cells, np.nan), where=self.n > 0)
        off = np.bincount(cell, weights=(values - self.mean[cell]) ** 2, minlength=n_cells)
        self.variance = np.divide(off, self.n - 1, out=np.full(n_cells, np.nan), where=self.n > 1)

    def variance_of_sums(self, cell: Ints, cluster: Ints, n_clusters: int) -> Floats:
        """Of the sums of m values drawn from each cell and estimated by its mean: s^2 (m + m^2 / n), per cluster."""
        keys, m = np.unique(cluster.astype(np.int64) * len(self.n) + cell, return_counts=True)
        of = keys % len(self.n)
        spread = self.variance[of] * (m + m**2 / self.n[of])
        sums: Floats = np.bincount(keys // len(self.n), weights=spread, minlength=n_clusters).astype(np.float64)
        return sums
