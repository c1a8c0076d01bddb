"""Shares of the whole, ranks among regions, and the countries that owners abroad are in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.integer]

TOP_COUNTRIES = 5


@dataclass(frozen=True)
class OwnerCountry:
    """Firms of a group owned from a country; ``rank`` 1 is the most, ties in order of the code."""

    group: int
    country: int
    businesses: float
    rank: int


def share_of(part: ArrayLike, whole: ArrayLike) -> Array:
    """``part / whole`` as a share of 1; nan where the whole is 0, negative or not known. ``(n,)`` each."""
    part, whole = (np.asarray(a, dtype=np.float64) for a in np.broadcast_arrays(part, whole))
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))


def ranks(values: ArrayLike, groups: ArrayLike | None = None) -> Array:
    """Place ``(n,)`` of each value among those of its group, 1 the largest; nan has no rank (nan).

    Competition ranking ("1, 2, 2, 4"): equals share the better place. Numbers that only rounding tells apart are not
    equal; round them before.

    Args:
        values: ``(n,)`` what is ranked, for instance a cluster's figure in each region.
        groups: ``(n,)`` numbers from 0 of who is compared with whom; all with all where left out.
    """
    values = np.asarray(values, dtype=np.float64)
    of = np.zeros(values.shape, dtype=np.int64) if groups is None else np.asarray(groups, dtype=np.int64)
    rank = np.full(values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.lexsort((-values[known], of[known]))]
    if not len(order):
        return rank
    group, value, position = of[order], values[order], np.arange(len(order))
    new_group = np.concatenate(([True], group[1:] != group[:-1]))
    new_value = new_group | np.concatenate(([True], value[1:] != value[:-1]))
    first_of_group = np.maximum.accumulate(np.where(new_group, position, 0))
    first_of_value = np.maximum.accumulate(np.where(new_value, position, 0))
    rank[order] = first_of_value - first_of_group + 1
    return rank


def owner_countries(
    country: Integers, groups: Integers, n_groups: int, k: int = TOP_COUNTRIES, weight: Array | None = None
) -> list[OwnerCountry]:
    """The k countries from which most firms of each group are owned, by group and rank.

    Leave out, as -1, the country at home, owners whose country is unclear, and firms without a corporate owner.

    Args:
        country: ``(n,)`` number of the owner's country; negative: none that counts.
        groups: ``(n,)`` group from 0; negative: none.
        n_groups: Number of groups.
        k: Countries per group, at most.
        weight: ``(n,)`` part of the firm that is in the group; 1 where left out.
    """
    counted = (country >= 0) & (groups >= 0)
    if not counted.any():
        return []
    n_countries = int(country[counted].max()) + 1
    pair = groups[counted].astype(np.int64) * n_countries + country[counted]
    part = None if weight is None else weight[counted]
    pairs, inverse = np.unique(pair, return_inverse=True)
    businesses = np.bincount(inverse, weights=part, minlength=len(pairs)).astype(np.float64)
    group, which = np.divmod(pairs, n_countries)
    order = np.lexsort((which, -businesses, group))
    group, which, businesses = group[order], which[order], businesses[order]
    rank = np.arange(len(group)) - np.searchsorted(group, group, side="left") + 1
    return [
        OwnerCountry(int(g), int(c), float(b), int(r))
        for g, c, b, r in zip(group, which, businesses, rank, strict=True)
        if g < n_groups and r <= k
    ]
