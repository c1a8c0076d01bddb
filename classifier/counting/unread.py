"""Let firms that were read stand for those that were not, by size and age: post-stratification of the list.

It assumes that, among firms of one size and age, whether a website can be read has nothing to do with the sector.
That is a strong assumption (a bakery without a website is no cyber firm less), so it is off unless asked for, and
every figure made with it says so.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SIZE_BANDS = (
    10.0,
    50.0,
    250.0,
)  # employees: micro, small, medium, large, as in the EU's definition of SMEs; unknown beside them
AGE_BANDS = (
    3.0,
    6.0,
    11.0,
    21.0,
)  # years: survival and having a website change fast in the first ones; unknown beside them
MIN_READ = 30
"""Firms read that a cell must have to speak for its unread ones; with fewer its size band does, then the whole list."""


def cells_by_size_and_age(employees: NDArray[np.float64], age_years: NDArray[np.float64]) -> NDArray[np.int64]:
    """Cell of each firm, ``(n_firms,) int64``, ``size band * 6 + age band``; NaN is a band of its own."""
    size = np.where(np.isnan(employees), len(SIZE_BANDS) + 1, np.searchsorted(SIZE_BANDS, employees, side="right"))
    age = np.where(np.isnan(age_years), len(AGE_BANDS) + 1, np.searchsorted(AGE_BANDS, age_years, side="right"))
    return np.asarray(size * (len(AGE_BANDS) + 2) + age, dtype=np.int64)


def stand_ins(
    cells: NDArray[np.int64], read: NDArray[np.bool_], stratum: NDArray[np.int64], n_strata: int
) -> NDArray[np.float64]:
    """What an unread firm of each cell is taken to be: shares of strata.

    Args:
        cells: ``(n_firms,)`` of :func:`cells_by_size_and_age`.
        read: ``(n_firms,) bool``.
        stratum: ``(n_firms,)``; looked at where read, and negative for firms that stand for no other (giants).
        n_strata: Strata.

    Returns:
        ``(n_cells, n_strata)``, each row adding up to 1; to 0 where no firm at all was read.
    """
    n_cells = (len(SIZE_BANDS) + 2) * (len(AGE_BANDS) + 2)
    ages = len(AGE_BANDS) + 2
    use = read & (stratum >= 0)
    by_cell = np.zeros((n_cells, n_strata))
    np.add.at(by_cell, (cells[use], stratum[use]), 1.0)
    by_size = np.repeat(by_cell.reshape(-1, ages, n_strata).sum(axis=1), ages, axis=0)
    counts: Sequence[NDArray[np.float64]] = (by_cell, by_size, np.tile(by_cell.sum(axis=0), (n_cells, 1)))
    chosen = counts[-1]
    for level in (counts[1], counts[0]):
        chosen = np.where(level.sum(axis=1, keepdims=True) >= MIN_READ, level, chosen)
    whole = chosen.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(chosen, whole, out=np.zeros_like(chosen), where=whole > 0))
